//! The one use case of the search.

use super::{SearchResult, store};
use crate::app::{App, Ctx};
use crate::authz::{Action, Decision, Resource, decide};
use crate::core::{Result, search};

/// What is called so and may be seen by the caller.
///
/// # Errors
/// 422 when the text is empty, too long or holds control characters.
pub async fn find(app: &App, ctx: &Ctx, q: &str) -> Result<SearchResult> {
    let patterns = search::patterns("q", q)?;
    let scope = ctx.scope();
    // Accounts belong to the installation.
    let sees_users = decide(&ctx.actor, Action::View, Resource::Installation) == Decision::Allow;
    let mut connection = app.db.acquire().await?;
    Ok(SearchResult {
        agents: store::agents(&mut connection, &scope, &patterns, app.env.now()).await?,
        organizations: store::organizations(&mut connection, &scope, &patterns).await?,
        sites: store::sites(&mut connection, &scope, &patterns).await?,
        users: if sees_users { store::users(&mut connection, &patterns).await? } else { Vec::new() },
    })
}
