//! The orders of [`super::order`] as SQL, over the tables of a list of agents and its columns `sort_number`,
//! `sort_organization`, `sort_name` and `id`.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};

use super::order::{AgentKey, AgentSort};
use super::store_attention::{self, VOLUME_SHARE};

/// The last proof of life as a number: sorts and travels in cursors without surprises; never is 0.
const LAST_SEEN: &str = "coalesce((extract(epoch FROM p.last_seen_at) * 1000000)::bigint, 0)";
/// CPU use in thousandths of a percent; null without a reading.
const CPU: &str = "(r.cpu_percent * 1000)::bigint";
/// The share of memory in use in parts of a million; null without a reading.
const MEMORY_SHARE: &str = "(r.memory_used_bytes::float8 / nullif(r.memory_total_bytes, 0)::float8 * 1000000)::bigint";

/// The number that a list in this order goes by; never null, and 0 for those that go by text. What is not known comes last.
pub fn push_number(query: &mut QueryBuilder<Postgres>, sort: AgentSort, now: DateTime<Utc>) {
    let measured = match sort {
        AgentSort::Attention | AgentSort::AttentionDescending => return store_attention::push_urgency(query, now),
        AgentSort::LastSeen | AgentSort::LastSeenDescending => LAST_SEEN,
        AgentSort::Volume | AgentSort::VolumeDescending => VOLUME_SHARE,
        AgentSort::Cpu | AgentSort::CpuDescending => CPU,
        AgentSort::Memory | AgentSort::MemoryDescending => MEMORY_SHARE,
        AgentSort::Name | AgentSort::NameDescending | AgentSort::Organization | AgentSort::OrganizationDescending => {
            "0::bigint"
        }
    };
    query.push(format!("coalesce({measured}, {})", if sort.descends() { -1 } else { i64::MAX }));
}

/// Only what follows on there.
pub fn push_after(query: &mut QueryBuilder<Postgres>, after: &AgentKey, sort: AgentSort, now: DateTime<Utc>) {
    let mut opening = " AND (";
    for part in parts_of(sort) {
        query.push(opening);
        match part {
            Part::Number => push_number(query, sort, now),
            Part::Organization => _ = query.push("lower(o.name)"),
            Part::Name => _ = query.push("a.sort_name"),
            Part::Id => _ = query.push("a.id"),
        }
        opening = ", ";
    }
    query.push(if sort.descends() { ") < (" } else { ") > (" });
    match after {
        AgentKey::Name(name, id) => {
            query.push_bind(name.clone()).push(", ").push_bind(*id);
        }
        AgentKey::Organization(organization, name, id) => {
            query.push_bind(organization.clone()).push(", ").push_bind(name.clone()).push(", ").push_bind(*id);
        }
        AgentKey::Attention(_, number, name, id) => {
            query.push_bind(*number).push(", ").push_bind(name.clone()).push(", ").push_bind(*id);
        }
        AgentKey::LastSeen(number, id)
        | AgentKey::Volume(number, id)
        | AgentKey::Cpu(number, id)
        | AgentKey::Memory(number, id) => {
            query.push_bind(*number).push(", ").push_bind(*id);
        }
    }
    query.push(")");
}

/// The order itself.
pub fn push_order(query: &mut QueryBuilder<Postgres>, sort: AgentSort) {
    let mut separator = " ORDER BY ";
    for part in parts_of(sort) {
        let column = match part {
            Part::Number => "sort_number",
            Part::Organization => "sort_organization",
            Part::Name => "sort_name",
            Part::Id => "id",
        };
        query.push(separator).push(column).push(if sort.descends() { " DESC" } else { "" });
        separator = ", ";
    }
}

/// What a list is sorted by; the same parts, in this sequence, are its cursor.
#[derive(Clone, Copy)]
enum Part {
    Number,
    Organization,
    Name,
    Id,
}

const fn parts_of(sort: AgentSort) -> &'static [Part] {
    match sort {
        AgentSort::Name | AgentSort::NameDescending => &[Part::Name, Part::Id],
        AgentSort::Organization | AgentSort::OrganizationDescending => &[Part::Organization, Part::Name, Part::Id],
        AgentSort::Attention | AgentSort::AttentionDescending => &[Part::Number, Part::Name, Part::Id],
        _ => &[Part::Number, Part::Id],
    }
}
