//! Use cases of overviews.

use uuid::Uuid;

use super::{MOST_SERVERS, OrganizationOverview, Overview, Spine, UrgencyKey, store};
use crate::agents::store_list;
use crate::agents::view::AgentFilter;
use crate::app::{App, Ctx};
use crate::core::page::{Page, PageRequest};
use crate::core::{Error, Result};
use crate::organizations;

/// The fleet within the caller's scope at a glance, or an organization or a site of it.
///
/// # Errors
/// When the database cannot be reached.
pub async fn overview(app: &App, ctx: &Ctx, organization_id: Option<Uuid>, site_id: Option<Uuid>) -> Result<Overview> {
    let filter = AgentFilter { organization_id, site_id, ..AgentFilter::default() };
    let mut connection = app.db.acquire().await?;
    store::overview(&mut connection, &ctx.scope(), &filter, app.env.now()).await
}

/// The caller's organizations at a glance, the most urgent first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn organizations(app: &App, ctx: &Ctx, page: &PageRequest<UrgencyKey>) -> Result<Page<OrganizationOverview>> {
    let as_of = page.after.as_ref().map_or_else(|| app.env.now(), |after| after.as_of);
    let mut connection = app.db.acquire().await?;
    let rows = store::organizations(&mut connection, &ctx.scope(), page, as_of).await?;
    Ok(page.page(rows, |(key, _)| key.clone()).map(|(_, organization)| organization))
}

/// A site at a glance.
///
/// # Errors
/// 404 when it does not exist or is outside the caller's scope.
pub async fn spine(app: &App, ctx: &Ctx, site_id: Uuid) -> Result<Spine> {
    let (scope, now) = (ctx.scope(), app.env.now());
    let mut connection = app.db.acquire().await?;
    let site = organizations::store::site(&mut connection, &scope, site_id).await?;
    site.ok_or(Error::NotFound("site"))?;
    let filter = AgentFilter { site_id: Some(site_id), ..AgentFilter::default() };
    let named = store_list::servers(&mut connection, &scope, &filter, MOST_SERVERS, now).await?;
    let (servers, others) = store::servers_and_others(&mut connection, &scope, &filter, now).await?;
    Ok(Spine {
        more_servers: servers.saturating_sub(i64::try_from(named.len()).unwrap_or(i64::MAX)).max(0),
        servers: named.into_iter().map(Into::into).collect(),
        others,
    })
}
