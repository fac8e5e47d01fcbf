//! Who is logged in, and who belongs to which group.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::instant::clean_instant;
use crate::limits;
use crate::text::{clean_line, clean_option};

/// A logged-in user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedInUser {
    /// Account name.
    pub name: String,
    /// Terminal or session.
    #[serde(default)]
    pub session: Option<String>,
    /// Where from, for remote sessions.
    #[serde(default)]
    pub host: Option<String>,
    /// Since when.
    #[serde(default)]
    pub since: Option<DateTime<Utc>>,
}

/// A group of this machine's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalGroup {
    /// Its name.
    pub name: String,
    /// SID or group id.
    #[serde(default)]
    pub id: Option<String>,
    /// Names of its members, domain accounts as `DOMAIN\name`.
    #[serde(default)]
    pub members: Vec<String>,
}

impl LoggedInUser {
    pub(super) fn bound(&mut self) {
        self.name = clean_line(&self.name, limits::MAX_NAME);
        clean_option(&mut self.session, limits::MAX_NAME);
        clean_option(&mut self.host, limits::MAX_NAME);
        clean_instant(&mut self.since);
    }
}

impl LocalGroup {
    pub(super) fn bound(&mut self) {
        self.name = clean_line(&self.name, limits::MAX_NAME);
        clean_option(&mut self.id, limits::MAX_NAME);
        self.members.truncate(limits::MAX_ITEMS);
        for member in &mut self.members {
            *member = clean_line(member, limits::MAX_NAME);
        }
    }
}
