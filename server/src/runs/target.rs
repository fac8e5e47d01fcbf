//! Which agents a run is for, and which of them can take it.

use std::collections::{BTreeMap, HashMap, HashSet};

use gururmm_protocol::crypto::sha256;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{MAX_AGENTS, MAX_NAMED, Preview, PreviewAgent, Refusal, RefusalCount, store};
use crate::agents::store_list;
use crate::agents::view::AgentSelection;
use crate::app::{App, Ctx};
use crate::authz::Actor;
use crate::commands::MAX_OPEN_PER_AGENT;
use crate::commands::admission::{self, FORBIDDEN};
use crate::commands::store::{self as commands, Agent};
use crate::core::{Error, Result};

/// An agent that is meant, with why it gets no command.
pub(super) struct Meant {
    pub agent: Agent,
    pub refusal: Option<admission::Refusal>,
}

/// The agents that a selection stands for at this moment, within the caller's scope, by id.
pub(super) async fn resolve(
    app: &App,
    ctx: &Ctx,
    connection: &mut PgConnection,
    selection: &AgentSelection,
) -> Result<Vec<Uuid>> {
    let most = i64::try_from(MAX_AGENTS + 1).unwrap_or(i64::MAX);
    let ids = store_list::selected(connection, &ctx.scope(), selection, app.env.now(), most).await?;
    if ids.len() > MAX_AGENTS {
        let problem = format!("means more than {MAX_AGENTS} agents; narrow it down, or order it in parts");
        return Err(Error::invalid("target", problem));
    }
    // Named one by one and none of them there for the caller: as with one.
    if ids.is_empty() && matches!(selection, AgentSelection::Agents(_)) {
        return Err(Error::NotFound("agent"));
    }
    Ok(ids)
}

/// Stands for exactly these agents, which are in the order of their ids.
pub(super) fn fingerprint(ids: &[Uuid]) -> String {
    let mut bytes = b"gururmm run\0".to_vec();
    for id in ids {
        bytes.extend_from_slice(id.as_bytes());
    }
    hex::encode(sha256(&bytes))
}

/// Says of each agent whether it gets a command.
///
/// # Errors
/// 403 when the caller may command none of them.
pub(super) async fn assess(actor: &Actor, connection: &mut PgConnection, agents: Vec<Agent>) -> Result<Vec<Meant>> {
    let ids: Vec<Uuid> = agents.iter().map(|agent| agent.id).collect();
    let full: HashSet<Uuid> = commands::full(connection, &ids, MAX_OPEN_PER_AGENT).await?.into_iter().collect();
    let assess = |agent: Agent| Meant { refusal: agent.refusal(actor, full.contains(&agent.id)), agent };
    let meant: Vec<Meant> = agents.into_iter().map(assess).collect();
    let forbidden = |meant: &Meant| meant.refusal.as_ref().filter(|refusal| refusal.code == FORBIDDEN).cloned();
    match meant.first().and_then(forbidden) {
        Some(refusal) if meant.iter().all(|meant| forbidden(meant).is_some()) => {
            Err(Error::forbidden(refusal.code, refusal.words))
        }
        _ => Ok(meant),
    }
}

/// What a run over these agents would do.
pub(super) async fn preview(app: &App, connection: &mut PgConnection, mut meant: Vec<Meant>) -> Result<Preview> {
    let ids: Vec<Uuid> = meant.iter().map(|meant| meant.agent.id).collect();
    let fingerprint = fingerprint(&ids);
    let refusals = refusals(&meant);
    let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let (total, refused) = (count(meant.len()), refusals.iter().map(|refusal| refusal.count).sum());
    let key = |meant: &Meant| (meant.refusal.is_none(), meant.agent.sort_name.clone(), meant.agent.id);
    meant.sort_by_cached_key(key);
    meant.truncate(MAX_NAMED);
    let named: Vec<Uuid> = meant.iter().map(|meant| meant.agent.id).collect();
    let places = store::places(connection, &named, app.env.now()).await?;
    let mut places: HashMap<Uuid, store::Place> = places.into_iter().map(|place| (place.agent_id, place)).collect();
    let named = |meant: Meant| {
        let place = places.remove(&meant.agent.id)?;
        Some(PreviewAgent {
            agent_id: meant.agent.id,
            name: meant.agent.name,
            organization_id: meant.agent.organization_id,
            organization_name: place.organization_name,
            site_name: place.site_name,
            presence: place.presence,
            refusal: meant.refusal.map(Into::into),
        })
    };
    let agents = meant.into_iter().filter_map(named).collect();
    Ok(Preview { total, ready: total - refused, refused, fingerprint, refusals, agents })
}

/// Why agents get no command, the most frequent reason first.
pub(super) fn refusals(meant: &[Meant]) -> Vec<RefusalCount> {
    let mut counts = BTreeMap::<&admission::Refusal, i64>::new();
    for refusal in meant.iter().filter_map(|meant| meant.refusal.as_ref()) {
        *counts.entry(refusal).or_default() += 1;
    }
    let count = |(refusal, count): (&admission::Refusal, i64)| RefusalCount {
        code: refusal.code.to_owned(),
        words: refusal.words.clone(),
        count,
    };
    let mut refusals: Vec<RefusalCount> = counts.into_iter().map(count).collect();
    refusals.sort_by_key(|refusal| std::cmp::Reverse(refusal.count));
    refusals
}

impl From<admission::Refusal> for Refusal {
    fn from(refusal: admission::Refusal) -> Self {
        Self { code: refusal.code.to_owned(), words: refusal.words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_stands_for_a_set() {
        let ids: Vec<Uuid> = (1..4).map(Uuid::from_u128).collect();
        assert_eq!(fingerprint(&ids), fingerprint(&ids.clone()));
        assert_ne!(fingerprint(&ids), fingerprint(&ids[..2]));
        assert_ne!(fingerprint(&[]), fingerprint(&ids[..1]));
        assert_eq!(fingerprint(&ids).len(), 64);
    }
}
