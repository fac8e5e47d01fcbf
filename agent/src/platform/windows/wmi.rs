//! Questions to WMI, which on machines in bad health hangs or is dead: whoever asks gets an answer or an error in time.

use std::time::Duration;

use serde_json::Value;
use wmi::{AuthLevel, IWbemClassWrapper, WMIConnection, WMIError};

use crate::core::windows::row::Row;
use crate::core::windows::wmi_error::Code;
use crate::platform::lane::{Lane, NoAnswer};

/// Most objects of one answer; what is more is a fault of a provider.
const MOST_ROWS: usize = 5_000;

/// Questions wait for each other. COM is set up once, by the first one, for the whole process; every question has a
/// connection of its own, so that WMI may be restarted in between.
static LANE: Lane = Lane::new("wmi", 3);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It hangs.
    #[error("WMI: {0}")]
    NoAnswer(#[from] NoAnswer),
    /// It says so.
    #[error("WMI: {0}")]
    Refused(Code),
    /// Its answer cannot be read.
    #[error("WMI: {0}")]
    Unreadable(String),
}

impl Error {
    /// Whether this machine has no such class at all.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Refused(code) if code.is_absent())
    }
}

impl From<WMIError> for Error {
    fn from(error: WMIError) -> Self {
        match error {
            WMIError::HResultError { hres } => Self::Refused(Code(hres.cast_unsigned())),
            other => Self::Unreadable(other.to_string()),
        }
    }
}

/// All objects of a class, with all their properties.
pub fn objects(namespace: &'static str, class: &'static str, deadline: Duration) -> Result<Vec<Row>, Error> {
    LANE.call(deadline, move || {
        let mut rows = Vec::new();
        for object in connect(namespace)?.exec_query(format!("SELECT * FROM {class}"))? {
            if rows.len() == MOST_ROWS {
                return Err(Error::Unreadable(format!("more than {MOST_ROWS} objects of {class}")));
            }
            rows.push(row(&object?)?);
        }
        Ok(rows)
    })?
}

/// What a method answers that belongs to a class rather than to one of its objects, and takes nothing.
pub fn method(
    namespace: &'static str,
    class: &'static str,
    name: &'static str,
    deadline: Duration,
) -> Result<Row, Error> {
    LANE.call(deadline, move || {
        let answer = connect(namespace)?.exec_method(class, name, None)?;
        answer.map_or_else(|| Ok(Row::new()), |answer| row(&answer))
    })?
}

/// With the encryption of each packet that some namespaces ask for; all calls stay on this machine.
fn connect(namespace: &str) -> Result<WMIConnection, Error> {
    let connection = WMIConnection::with_namespace_path(namespace)?;
    connection.set_proxy_blanket(AuthLevel::PktPrivacy)?;
    Ok(connection)
}

/// The properties of an object. One whose value has a form that nobody needs here is left out.
fn row(object: &IWbemClassWrapper) -> Result<Row, Error> {
    let mut row = Row::new();
    for name in object.list_properties()? {
        if let Ok(variant) = object.get_property(&name)
            && let Ok(value) = serde_json::to_value(variant)
            && value != Value::Null
        {
            row.insert(name, value);
        }
    }
    Ok(row)
}
