//! Who is logged in.

use anyhow::Context as _;
use gururmm_protocol::inventory::LoggedInUser;

use crate::core::inventory::Look;
use crate::core::windows::users::{computer_name, logged_in};
use crate::platform::windows::identity::hostname;
use crate::platform::windows::sys;

/// Everybody with a session, at the console or from afar.
///
/// # Errors
/// When the terminal services do not tell.
pub fn logged_in_users() -> Look<Vec<LoggedInUser>> {
    let sessions = sys::sessions::list().context("the terminal services")?;
    Ok(logged_in(sessions, &computer_name(&hostname())).into())
}
