//! What a key is worth at the moment of a connection: active, being decommissioned, quarantined, or nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use gururmm_protocol::crypto::PublicKey;
use gururmm_protocol::enroll::MachineIdentity;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::server_host;
use super::store_decommission::lock_leaving;
use super::store_standing as store;
pub use super::view::AgentState as State;
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::authz::Actor;
use crate::core::{Error, Result};
use crate::hub::bus::{AgentSignal, DashboardEvent};

/// Most machines kept as evidence of one quarantine.
const MAX_EVIDENCE: usize = 16;

/// The record that an unrevoked key belongs to.
#[derive(Debug, Clone)]
pub struct Record {
    /// The agent.
    pub agent_id: Uuid,
    /// Its organization.
    pub organization_id: Uuid,
    /// Its name, for audit rows.
    pub name: String,
    /// State of the record.
    pub state: State,
    /// The machine it is known to run on.
    pub machine: MachineIdentity,
    /// Machines that a technician decided against.
    pub rejected_machine_ids: Vec<String>,
    /// What else the last connection said.
    pub last: ConnectionFacts,
    /// When it was last connected, or enrolled if it never was.
    pub last_seen_at: DateTime<Utc>,
    /// It is known to run on the server's own host.
    pub server_host: bool,
    /// Digests of the inventory sections that are stored, by section.
    pub inventory: BTreeMap<String, String>,
}

/// What a connection says of itself besides the machine; kept for people to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionFacts {
    /// The agent's version.
    pub agent_version: String,
    /// The protocol it speaks.
    pub protocol_version: Option<i32>,
    /// Where it comes from.
    pub address: Option<String>,
}

/// What the record says about a machine that holds its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A session.
    Welcome,
    /// A session that serves only the decommission order.
    DecommissionOnly,
    /// The key is used by a second machine: both are cut off until somebody decides.
    Clone,
    /// Cut off until somebody decides.
    Quarantined,
    /// Somebody decided that this machine is not the agent.
    NotThisMachine,
    /// The record is history.
    Gone,
}

/// The rule: what `record` says about `machine`.
#[must_use]
pub fn judge(record: &Record, machine: &MachineIdentity) -> Verdict {
    let same_machine = record.machine.machine_id == machine.machine_id;
    if record.rejected_machine_ids.contains(&machine.machine_id) && !same_machine {
        return Verdict::NotThisMachine;
    }
    match record.state {
        State::Decommissioned => Verdict::Gone,
        State::Quarantined => Verdict::Quarantined,
        State::Active if same_machine => Verdict::Welcome,
        State::Active => Verdict::Clone,
        State::Decommissioning if same_machine => Verdict::DecommissionOnly,
        // Whether the copy obeys too is nobody's wish: only the machine on record is told to leave.
        State::Decommissioning => Verdict::Quarantined,
    }
}

/// A machine that used a quarantined key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SeenMachine {
    /// What it said it is.
    pub machine_id: String,
    /// Host name.
    pub hostname: String,
    /// Boot id.
    pub boot_id: String,
    /// Where it came from.
    pub address: Option<String>,
    /// When.
    pub seen_at: DateTime<Utc>,
}

impl SeenMachine {
    /// A machine as it shows itself now.
    #[must_use]
    pub fn new(machine: &MachineIdentity, address: Option<IpAddr>, seen_at: DateTime<Utc>) -> Self {
        Self {
            machine_id: machine.machine_id.clone(),
            hostname: machine.hostname.clone(),
            boot_id: machine.boot_id.clone(),
            address: address.map(|address| address.to_string()),
            seen_at,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.machine_id, &self.boot_id, &self.hostname, &self.address)
            == (&other.machine_id, &other.boot_id, &other.hostname, &other.address)
    }
}

/// Adds machines that are not in the evidence yet; whether there were any.
fn add_evidence(evidence: &mut Vec<SeenMachine>, seen: &[SeenMachine]) -> bool {
    let before = evidence.len();
    for machine in seen {
        if evidence.len() < MAX_EVIDENCE && !evidence.iter().any(|known| known.is_same(machine)) {
            evidence.push(machine.clone());
        }
    }
    evidence.len() > before
}

/// The record of a key; none when no agent has it or it was revoked.
///
/// # Errors
/// When the database cannot be reached.
pub async fn of_key(app: &App, key: &PublicKey) -> Result<Option<Record>> {
    let mut connection = app.db.acquire().await?;
    store::record_of_key(&mut connection, key).await
}

/// Keeps what a welcomed connection says of itself, when it differs from the record.
///
/// # Errors
/// When the database cannot be reached.
pub async fn remember(app: &App, record: &Record, machine: &MachineIdentity, facts: &ConnectionFacts) -> Result<()> {
    if server_host::this_host().is(machine) && !record.server_host {
        mark_server_host(app, record).await?;
    }
    if record.machine == *machine && record.last == *facts {
        return Ok(());
    }
    let mut connection = app.db.acquire().await?;
    store::update_facts(&mut connection, record.agent_id, machine, facts).await
}

/// The agent turns out to run on the server's own host. What others than a `dev_admin` have queued for it is cancelled
/// when its session claims its commands.
async fn mark_server_host(app: &App, record: &Record) -> Result<()> {
    let ctx = Ctx::system("agent link");
    let target = Target::new("agent", record.agent_id, &record.name);
    let mut work = Mutation::begin(app, &ctx, "agent.server_host", target).await?;
    work.entry.organization_id = Some(record.organization_id);
    work.entry.agent_id = Some(record.agent_id);
    if !store::set_server_host(&mut work.tx, record.agent_id).await? {
        return Ok(());
    }
    work.finish(Ok(())).await
}

/// Cuts the agent off until a technician decides, and keeps who was seen. Also adds to an existing quarantine.
///
/// # Errors
/// When the database cannot be reached.
pub async fn quarantine(app: &App, record: &Record, reason: &str, seen: &[SeenMachine]) -> Result<()> {
    let ctx = Ctx::system("agent link");
    let target = Target::new("agent", record.agent_id, &record.name);
    let mut work = Mutation::begin(app, &ctx, "agent.quarantine", target).await?;
    work.entry.organization_id = Some(record.organization_id);
    work.entry.agent_id = Some(record.agent_id);
    let Some((state, mut evidence)) = store::lock_quarantine(&mut work.tx, record.agent_id).await? else {
        return Ok(());
    };
    let grown = add_evidence(&mut evidence, seen);
    match state {
        State::Active => {
            work.note("reason", reason);
            work.note("machines", serde_json::to_value(&evidence).map_err(Error::internal)?);
            let result = store::set_quarantined(&mut work.tx, record.agent_id, reason, &evidence, app.env.now()).await;
            work.finish(result).await?;
        }
        // One more machine in a known quarantine is evidence, not another decision: no audit row of its own.
        State::Quarantined if grown => {
            store::set_evidence(&mut work.tx, record.agent_id, &evidence).await?;
            work.tx.commit().await?;
        }
        State::Quarantined | State::Decommissioning | State::Decommissioned => return Ok(()),
    }
    let (agent_id, organization_id) = (record.agent_id, record.organization_id);
    app.hub.bus.signal_agent(agent_id, AgentSignal::Standing).await;
    app.hub.bus.publish(DashboardEvent::Agent { agent_id, organization_id }).await;
    Ok(())
}

/// The agent has obeyed its decommission order: its key is revoked, the record becomes history. Whether the order was
/// really this agent's.
///
/// # Errors
/// When the database cannot be reached.
pub async fn decommissioned(app: &App, agent_id: Uuid, organization_id: Uuid, envelope_id: Uuid) -> Result<bool> {
    let ctx = Ctx::agent(agent_id, String::new());
    let mut work = Mutation::begin(app, &ctx, "agent.decommissioned", Target::new("agent", agent_id, "")).await?;
    // The agent first, then its orders: as whoever ends the record without it.
    let Some((name, _)) = lock_leaving(&mut work.tx, agent_id).await? else { return Ok(false) };
    if !store::is_decommission_order(&mut work.tx, agent_id, envelope_id).await? {
        return Ok(false);
    }
    work.entry.target.label.clone_from(&name);
    work.acted_by(Actor::Agent { id: agent_id, name });
    work.entry.organization_id = Some(organization_id);
    work.entry.agent_id = Some(agent_id);
    let result = store::finish_decommission(&mut work.tx, agent_id, envelope_id, app.env.now()).await;
    work.finish(result).await?;
    app.hub.bus.publish(DashboardEvent::Agent { agent_id, organization_id }).await;
    app.hub.bus.publish(DashboardEvent::Fleet { organization_id }).await;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(id: &str) -> MachineIdentity {
        MachineIdentity { machine_id: id.into(), boot_id: "b".into(), hostname: "h".into() }
    }

    fn record(state: State) -> Record {
        Record {
            agent_id: Uuid::from_u128(1),
            organization_id: Uuid::from_u128(2),
            name: "h".into(),
            state,
            machine: machine("m"),
            rejected_machine_ids: vec!["rejected".into()],
            last: ConnectionFacts::default(),
            last_seen_at: DateTime::UNIX_EPOCH,
            server_host: false,
            inventory: BTreeMap::new(),
        }
    }

    #[test]
    fn the_verdict_follows_from_state_and_machine() {
        let cases = [
            (State::Active, "m", Verdict::Welcome),
            (State::Active, "other", Verdict::Clone),
            (State::Active, "rejected", Verdict::NotThisMachine),
            (State::Quarantined, "m", Verdict::Quarantined),
            (State::Quarantined, "other", Verdict::Quarantined),
            (State::Decommissioning, "m", Verdict::DecommissionOnly),
            (State::Decommissioning, "other", Verdict::Quarantined),
            (State::Decommissioned, "m", Verdict::Gone),
        ];
        for (state, id, verdict) in cases {
            assert_eq!(judge(&record(state), &machine(id)), verdict, "{state:?} {id}");
        }
    }

    #[test]
    fn evidence_keeps_each_machine_once_and_is_bounded() {
        let seen = |id: usize| SeenMachine::new(&machine(&id.to_string()), None, DateTime::UNIX_EPOCH);
        let mut evidence = Vec::new();
        assert!(add_evidence(&mut evidence, &[seen(1), seen(2), seen(1)]));
        assert_eq!(evidence.len(), 2);
        assert!(!add_evidence(&mut evidence, &[seen(2)]));
        add_evidence(&mut evidence, &(0..100).map(seen).collect::<Vec<_>>());
        assert_eq!(evidence.len(), MAX_EVIDENCE);
    }
}
