//! Services.

use anyhow::Context as _;
use gururmm_protocol::inventory::Service;

use crate::core::inventory::Look;
use crate::core::windows::services::services as interpret;
use crate::platform::windows::sys;

/// All services that are no drivers, as the service control manager tells of them.
///
/// # Errors
/// When it does not.
pub fn services() -> Look<Vec<Service>> {
    Ok(interpret(sys::services::list().context("the service control manager")?))
}
