//! SQL of the history of inventory.

use chrono::{DateTime, Utc};
use gururmm_protocol::inventory::SECTION_NAMES;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::history::SectionChanges;
use super::{ChangeFilter, ChangeKey, ChangeKind, FleetChange, InventoryChange};
use crate::authz::Scope;
use crate::core::Result;
use crate::core::page::PageRequest;

/// A section as it is stored.
pub struct Before {
    pub section: String,
    pub data: String,
    pub problems: Vec<String>,
}

/// Those of these sections that were read before, locked until they are stored anew.
pub async fn lock_before(connection: &mut PgConnection, agent_id: Uuid, sections: &[String]) -> Result<Vec<Before>> {
    let rows = sqlx::query!(
        r#"SELECT section, data::text AS "data!", problems AS "problems: Json<Vec<String>>" FROM agent_inventory
           WHERE agent_id = $1 AND section = ANY($2) AND data <> 'null' ORDER BY section FOR UPDATE"#,
        agent_id,
        sections
    )
    .fetch_all(connection)
    .await?;
    let before = rows.into_iter().map(|row| Before { section: row.section, data: row.data, problems: row.problems.0 });
    Ok(before.collect())
}

/// Changes of an agent since then and until now, counted up to `most`. Where the clock was set back, later ones do not count.
pub async fn count_since(
    connection: &mut PgConnection,
    agent_id: Uuid,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
    most: i64,
) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM
           (SELECT 1 FROM agent_inventory_changes WHERE agent_id = $1 AND at > $2 AND at <= $4 LIMIT $3) recent"#,
        agent_id,
        since,
        most,
        now
    )
    .fetch_one(connection)
    .await?)
}

/// Adds changes.
pub async fn insert(
    connection: &mut PgConnection,
    agent_id: Uuid,
    sections: &[SectionChanges],
    now: DateTime<Utc>,
) -> Result<()> {
    let all = || sections.iter().flat_map(|section| section.changes.iter().map(|change| (section.section, change)));
    if all().next().is_none() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO agent_inventory_changes (agent_id, organization_id, at, section, kind, key, before, after)
         SELECT $1, (SELECT organization_id FROM agents WHERE id = $1), $2, u.section, u.kind, u.key, u.before::jsonb,
                u.after::jsonb
         FROM UNNEST($3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
              WITH ORDINALITY u(section, kind, key, before, after, n) ORDER BY u.n",
        agent_id,
        now,
        &all().map(|(section, _)| section.to_owned()).collect::<Vec<_>>(),
        &all().map(|(_, change)| change.kind).collect::<Vec<_>>() as _,
        &all().map(|(_, change)| change.key.clone()).collect::<Vec<_>>(),
        &all().map(|(_, change)| change.before.clone()).collect::<Vec<_>>() as _,
        &all().map(|(_, change)| change.after.clone()).collect::<Vec<_>>() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A page of an agent's changes, newest first.
pub async fn list(
    connection: &mut PgConnection,
    agent_id: Uuid,
    section: Option<&str>,
    page: &PageRequest<ChangeKey>,
) -> Result<Vec<InventoryChange>> {
    let (at, id) = page.after.as_ref().map(|after| (after.at, after.id)).unzip();
    Ok(sqlx::query_as!(
        InventoryChange,
        r#"SELECT id, at, section, kind AS "kind: ChangeKind", key, before, after FROM agent_inventory_changes
           WHERE agent_id = $1 AND ($2::text IS NULL OR section = $2)
             AND ($3::timestamptz IS NULL OR (at, id) < ($3, $4::bigint))
           ORDER BY at DESC, id DESC LIMIT $5"#,
        agent_id,
        section,
        at,
        id,
        page.fetch()
    )
    .fetch_all(connection)
    .await?)
}

/// A row of a list over the fleet.
#[derive(sqlx::FromRow)]
struct FleetRow {
    id: i64,
    at: DateTime<Utc>,
    section: String,
    kind: ChangeKind,
    key: String,
    before: Option<Value>,
    after: Option<Value>,
    agent_id: Uuid,
    agent_name: String,
    organization_id: Uuid,
    organization_name: String,
    site_id: Uuid,
    site_name: String,
}

impl From<FleetRow> for FleetChange {
    fn from(row: FleetRow) -> Self {
        Self {
            change: InventoryChange {
                id: row.id,
                at: row.at,
                section: row.section,
                kind: row.kind,
                key: row.key,
                before: row.before,
                after: row.after,
            },
            agent_id: row.agent_id,
            agent_name: row.agent_name,
            organization_id: row.organization_id,
            organization_name: row.organization_name,
            site_id: row.site_id,
            site_name: row.site_name,
        }
    }
}

/// A page of the changes of all agents that the scope and the filter cover, newest first.
///
/// Of each place a page is taken by its index, and of those the newest: of an agent of the site, of a section of an
/// organization, or of a section. What is rare or quiet would else be looked for among everything that is newer.
pub async fn list_of_fleet(
    connection: &mut PgConnection,
    scope: &Scope,
    filter: &ChangeFilter,
    page: &PageRequest<ChangeKey>,
) -> Result<Vec<FleetChange>> {
    let wanted = |name: &&str| {
        filter.section.as_deref().is_none_or(|section| section == *name)
            && filter.except_section.as_deref() != Some(*name)
    };
    let sections: Vec<String> = SECTION_NAMES.iter().copied().filter(wanted).map(str::to_owned).collect();
    let organizations = match filter.organization_id {
        Some(id) => Some(if scope.contains(id) { vec![id] } else { Vec::new() }),
        None => scope.organizations().map(<[Uuid]>::to_vec),
    };
    let mut query = QueryBuilder::<Postgres>::new(
        "SELECT c.id, c.at, c.section, c.kind, c.key, c.before, c.after, a.id AS agent_id, a.name AS agent_name,
                a.organization_id, o.name AS organization_name, a.site_id, s.name AS site_name FROM ",
    );
    if let Some(site) = filter.site_id {
        query.push("agents a CROSS JOIN LATERAL (SELECT * FROM agent_inventory_changes c WHERE c.agent_id = a.id");
        query.push(" AND c.section = ANY(").push_bind(sections).push(")");
        push_newest(&mut query, page);
        query.push(
            ") c JOIN organizations o ON o.id = a.organization_id JOIN sites s ON s.id = a.site_id WHERE a.site_id = ",
        );
        query.push_bind(site);
        if let Some(organizations) = organizations {
            query.push(" AND a.organization_id = ANY(").push_bind(organizations).push(")");
        }
    } else {
        query.push("unnest(").push_bind(sections).push(") lead (section)");
        if let Some(organizations) = organizations {
            query.push(" CROSS JOIN unnest(").push_bind(organizations).push(") place (id)");
            query.push(" CROSS JOIN LATERAL (SELECT * FROM agent_inventory_changes c");
            query.push(" WHERE c.organization_id = place.id AND c.section = lead.section");
        } else {
            query.push(" CROSS JOIN LATERAL (SELECT * FROM agent_inventory_changes c WHERE c.section = lead.section");
        }
        push_newest(&mut query, page);
        query.push(") c JOIN agents a ON a.id = c.agent_id JOIN organizations o ON o.id = a.organization_id");
        query.push(" JOIN sites s ON s.id = a.site_id");
    }
    query.push(" ORDER BY c.at DESC, c.id DESC LIMIT ").push_bind(page.fetch());
    let rows: Vec<FleetRow> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The newest of what meets the conditions so far.
fn push_newest(query: &mut QueryBuilder<Postgres>, page: &PageRequest<ChangeKey>) {
    if let Some(after) = &page.after {
        query.push(" AND (c.at, c.id) < (").push_bind(after.at).push(", ").push_bind(after.id).push(")");
    }
    query.push(" ORDER BY c.at DESC, c.id DESC LIMIT ").push_bind(page.fetch());
}

/// Removes at most `most` changes from before then; answers how many.
pub async fn forget(connection: &mut PgConnection, before: DateTime<Utc>, most: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM agent_inventory_changes
         WHERE id IN (SELECT id FROM agent_inventory_changes WHERE at < $1 ORDER BY at LIMIT $2)",
        before,
        most
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
