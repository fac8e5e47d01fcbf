//! The rule of [`super::attention`] as SQL, over the tables of a list of agents: `a` agents, `p` presence,
//! `r` readings and `clash` of [`JOIN_CLASH`].

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};

use super::attention::{AttentionReason, FIRST_CONNECTION, NEARLY_FULL, OTHER_MISSED, SERVER_MISSED};

/// The fullest volume's share in parts of a million; null without one.
pub const VOLUME_SHARE: &str =
    "floor(r.worst_used_bytes::float8 / nullif(r.worst_total_bytes, 0)::float8 * 1000000)::bigint";

/// What a machine is for, as a number: domain controllers, servers, all others.
pub const ROLE_PLACE: &str = "(CASE a.machine_role WHEN 'domain_controller' THEN 0 WHEN 'server' THEN 1 ELSE 2 END)";

/// Joins `clash`: agents of which a living record claims to be the same machine. They are few and have an index.
pub const JOIN_CLASH: &str = "
    LEFT JOIN (SELECT newer.id FROM agents newer
               JOIN agents older ON older.id = newer.duplicate_of AND older.machine_id = newer.machine_id
               WHERE newer.duplicate_of IS NOT NULL AND older.state IN ('active', 'quarantined')) clash
      ON clash.id = a.id";

/// Whether one of the reasons holds. Never null.
pub fn push_any(query: &mut QueryBuilder<Postgres>, reasons: &[AttentionReason], now: DateTime<Utc>) {
    let mut separator = "(";
    for &reason in reasons {
        query.push(separator);
        push_one(query, reason, now);
        separator = " OR ";
    }
    query.push(")");
}

/// Whether each reason holds, in the order of [`AttentionReason::ALL`]. None of them is null.
pub fn push_all(query: &mut QueryBuilder<Postgres>, now: DateTime<Utc>) {
    let mut separator = "ARRAY[";
    for reason in AttentionReason::ALL {
        query.push(separator);
        push_one(query, reason, now);
        separator = ", ";
    }
    query.push("]");
}

/// How far from urgent an agent is, as a number; never null. The severity of the worst reason weighs most, then what the
/// machine is for (domain controllers, servers, all others), then which reason it is. Whom nothing is wrong with comes last.
pub fn push_urgency(query: &mut QueryBuilder<Postgres>, now: DateTime<Utc>) {
    let weights: Vec<_> = AttentionReason::ALL
        .into_iter()
        .enumerate()
        .map(|(place, reason)| (place + if reason.severe() { 0 } else { 100 }).to_string())
        .collect();
    query.push("(coalesce((ARRAY[").push(weights.join(", ")).push("])[array_position(");
    push_all(query, now);
    query.push(", true)], 200) + 10 * ").push(ROLE_PLACE).push(")::bigint");
}

/// The order of agents of which this reason holds, the worst first, over the columns of `store_list::push_facts`.
pub const fn worst_first(reason: AttentionReason) -> &'static str {
    match reason {
        AttentionReason::Quarantined => "role_place, state_since, sort_name, id",
        AttentionReason::Offline => "role_place, presence_since, sort_name, id",
        AttentionReason::VolumeFull => "volume_share DESC, role_place, sort_name, id",
        AttentionReason::Clash | AttentionReason::NeverConnected => "role_place, enrolled_at, sort_name, id",
        AttentionReason::PendingReboot => "role_place, pending_reboot_since, sort_name, id",
    }
}

fn push_one(query: &mut QueryBuilder<Postgres>, reason: AttentionReason, now: DateTime<Utc>) {
    query.push("coalesce(");
    match reason {
        AttentionReason::Quarantined => {
            query.push("a.state = 'quarantined'");
        }
        AttentionReason::Clash => {
            query.push("a.state = 'active' AND clash.id IS NOT NULL");
        }
        AttentionReason::Offline => {
            query.push(
                "a.state = 'active' AND p.state = 'offline' AND p.since <=
                     CASE WHEN a.machine_role IN ('server', 'domain_controller') THEN ",
            );
            query.push_bind(now - SERVER_MISSED).push(" ELSE ").push_bind(now - OTHER_MISSED).push(" END");
        }
        AttentionReason::NeverConnected => {
            query.push("a.state = 'active' AND p.state IS NULL AND a.enrolled_at <= ");
            query.push_bind(now - FIRST_CONNECTION);
        }
        AttentionReason::VolumeFull => {
            query.push("a.state = 'active' AND ").push(VOLUME_SHARE).push(" >= ").push_bind(NEARLY_FULL * 10_000);
        }
        AttentionReason::PendingReboot => {
            query.push("a.state = 'active' AND a.pending_reboot");
        }
    }
    query.push(", false)");
}
