//! Use cases of installed software.

use uuid::Uuid;

use super::store::{self, Filter};
use super::version::sort_key;
use super::{
    InstalledKey, InstalledSoftware, STALE_AFTER, SoftwareCoverage, SoftwareStanding, SoftwareTitle, TitleKey,
    TitleSource, UnknownKey, UnknownSoftware, VersionCount, VersionKey, fold,
};
use crate::app::{App, Ctx};
use crate::core::page::{Page, PageRequest};
use crate::core::{Error, Result, search};

/// Longest title and version in a question, as agents may report them.
const MAX_TEXT: usize = 255;

/// Which installations are asked for, as the caller words it.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Only on agents of this organization.
    pub organization_id: Option<Uuid>,
    /// Only on agents of this site.
    pub site_id: Option<Uuid>,
    /// Only this version, exactly.
    pub version: Option<String>,
    /// Only versions below this one.
    pub below: Option<String>,
    /// Only this version and those above.
    pub at_least: Option<String>,
}

impl Asked {
    fn filter(&self, ctx: &Ctx) -> Result<Filter> {
        Ok(Filter {
            scope: ctx.scope(),
            organization_id: self.organization_id,
            site_id: self.site_id,
            version: optional("version", self.version.as_ref())?.map(str::to_owned),
            below: optional("version_below", self.below.as_ref())?.map(sort_key),
            at_least: optional("version_at_least", self.at_least.as_ref())?.map(sort_key),
        })
    }
}

/// Which titles are asked for.
#[derive(Debug, Clone, Default)]
pub struct Titles {
    /// Part of the name.
    pub search: Option<String>,
    /// Part of the publisher.
    pub publisher: Option<String>,
    /// Who keeps track of it.
    pub source: Option<TitleSource>,
}

/// Titles that agents in the caller's scope have, by name.
///
/// # Errors
/// 422 for a bad text, 429 while the caller's account has such a list made already, 503 while too many others have.
pub async fn titles(
    app: &App,
    ctx: &Ctx,
    titles: &Titles,
    asked: &Asked,
    page: &PageRequest<TitleKey>,
) -> Result<Page<SoftwareTitle>> {
    let pattern = |field, text: &Option<String>| search::contains_pattern(field, text.as_deref().map(fold).as_deref());
    let (name, publisher) = (pattern("search", &titles.search)?, pattern("publisher", &titles.publisher)?);
    let filter = asked.filter(ctx)?;
    let (_, account, _) = ctx.actor.record();
    let place = app.software.places.take(account.unwrap_or_default()).await?;
    // On its own: Postgres goes on with a question whose caller has left, and so long its place is taken.
    let rows = tokio::spawn({
        let (app, source, page) = (app.clone(), titles.source, page.clone());
        async move {
            let _place = place;
            let mut connection = app.db.acquire().await?;
            store::titles(&mut connection, &filter, name.as_deref(), publisher.as_deref(), source, &page).await
        }
    });
    let rows = rows.await.map_err(Error::internal)??;
    Ok(page.page(rows, |(key, _)| key.clone()).map(|(_, title)| title))
}

/// Versions of a title on agents in the caller's scope, newest first. A title that nobody has is an empty list.
///
/// # Errors
/// 422 when the title is missing or too long.
pub async fn versions(
    app: &App,
    ctx: &Ctx,
    title: (&str, TitleSource),
    asked: &Asked,
    page: &PageRequest<VersionKey>,
) -> Result<Page<VersionCount>> {
    let title = title_key(title)?;
    let filter = asked.filter(ctx)?;
    let mut connection = app.db.acquire().await?;
    let rows = store::versions(&mut connection, &filter, &title, page).await?;
    Ok(page.page(rows, |(key, _)| key.clone()).map(|(_, version)| version))
}

/// Agents in the caller's scope that have a title, by version, oldest first. A title that nobody has is an empty list.
///
/// # Errors
/// 422 when the title or a version is missing or too long.
pub async fn installed(
    app: &App,
    ctx: &Ctx,
    title: (&str, TitleSource),
    asked: &Asked,
    page: &PageRequest<InstalledKey>,
) -> Result<Page<InstalledSoftware>> {
    let title = title_key(title)?;
    let filter = asked.filter(ctx)?;
    let mut connection = app.db.acquire().await?;
    let rows = store::installed(&mut connection, &filter, &title, app.env.now() - STALE_AFTER, page).await?;
    Ok(page.page(rows, |(key, _)| key.clone()).map(|(_, installed)| installed))
}

/// How much is known of the software of agents in the caller's scope.
///
/// # Errors
/// When the database cannot be reached.
pub async fn coverage(
    app: &App,
    ctx: &Ctx,
    organization_id: Option<Uuid>,
    site_id: Option<Uuid>,
) -> Result<SoftwareCoverage> {
    let filter = Filter { organization_id, site_id, ..Filter::of(ctx.scope()) };
    let mut connection = app.db.acquire().await?;
    store::coverage(&mut connection, &filter, app.env.now() - STALE_AFTER).await
}

/// Agents in the caller's scope whose software is not known, or not all of it, by name.
///
/// # Errors
/// 422 when those are asked for whose software is known.
pub async fn unknown(
    app: &App,
    ctx: &Ctx,
    asked: &Asked,
    standing: Option<SoftwareStanding>,
    page: &PageRequest<UnknownKey>,
) -> Result<Page<UnknownSoftware>> {
    if standing == Some(SoftwareStanding::Known) {
        return Err(Error::invalid("standing", "must be one of partial, stale, unread, never"));
    }
    let filter = asked.filter(ctx)?;
    let mut connection = app.db.acquire().await?;
    let rows = store::unknown(&mut connection, &filter, standing, app.env.now() - STALE_AFTER, page).await?;
    Ok(page.page(rows, |(key, _)| key.clone()).map(|(_, agent)| agent))
}

fn title_key((title, source): (&str, TitleSource)) -> Result<TitleKey> {
    Ok(TitleKey { key: fold(checked("title", title)?), source })
}

fn optional<'a>(field: &str, text: Option<&'a String>) -> Result<Option<&'a str>> {
    text.map(|text| checked(field, text)).transpose()
}

fn checked<'a>(field: &str, text: &'a str) -> Result<&'a str> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(Error::invalid(field, format!("must be 1 to {MAX_TEXT} characters, without control characters")));
    }
    Ok(text)
}
