//! The machine's own groups.

use anyhow::Context as _;
use gururmm_protocol::inventory::LocalGroup;

use crate::core::inventory::Looked;
use crate::core::windows::groups::groups;
use crate::core::windows::users::computer_name;
use crate::platform::windows::identity::hostname;
use crate::platform::windows::sys;

/// The groups with their members, as the account manager tells of them.
///
/// # Errors
/// When it does not.
pub fn local_groups() -> anyhow::Result<Option<Looked<Vec<LocalGroup>>>> {
    let raw = sys::groups::list().context("the account manager")?;
    let domain_controller = sys::groups::membership().is_ok_and(|membership| membership.is_domain_controller());
    Ok(Some(groups(raw, &computer_name(&hostname()), domain_controller)))
}
