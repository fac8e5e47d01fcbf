//! Reading the audit log.

use super::{AuditEntry, AuditFilter, AuditKey, store_list};
use crate::app::{App, Ctx};
use crate::authz::Scope;
use crate::core::Result;
use crate::core::page::{Page, PageRequest};

/// Rows that the caller may see, newest first.
///
/// # Errors
/// 403 when the caller may see those of no organization.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    filter: &AuditFilter,
    page: &PageRequest<AuditKey>,
) -> Result<Page<AuditEntry>> {
    let scope = Scope::of_audit(&ctx.actor)?;
    let mut connection = app.db.acquire().await?;
    let rows = store_list::list(&mut connection, &scope, filter, page).await?;
    Ok(page.page(rows, |row| AuditKey { at: row.at, id: row.id }))
}
