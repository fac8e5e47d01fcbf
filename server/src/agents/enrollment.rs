//! Enrollment: how a machine becomes an agent. The table of SPEC-002 is the specification.

use gururmm_protocol::crypto::PublicKey;
use gururmm_protocol::enroll::{EnrollRequest, EnrollResponse, EnrollmentToken, MachineIdentity};
use gururmm_protocol::limits;
use gururmm_protocol::text::clean_line;
use uuid::Uuid;

use super::server_host;
use super::store_enrollment::{self as store, EnrolledAgent, Token};
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::authz::Actor;
use crate::commands::service::give_up_outstanding;
use crate::core::{Error, FieldError, Result};
use crate::enrollment_tokens::TokenState;
use crate::hub::bus::{AgentSignal, DashboardEvent};

/// What an enrollment did.
struct Enrolled {
    agent_id: Uuid,
    organization_id: Uuid,
    /// The record existed and got a new key.
    rekeyed: bool,
    /// Commands that this ended.
    ended: Vec<Uuid>,
}

/// Why commands end that a machine had when it enrolled anew: a fresh data directory would answer that it never had them.
const ENROLLED_ANEW: &str =
    "the machine was enrolled anew after this was sent: unless its result still arrives, whether it ran cannot be told";

/// A checked request: its proofs hold, its texts are bounded.
struct Candidate {
    token: EnrollmentToken,
    public_key: PublicKey,
    previous: Option<PublicKey>,
    machine: MachineIdentity,
    agent_version: String,
    server_host: bool,
}

/// Enrolls a machine.
///
/// # Errors
/// 403 `enrollment_token_invalid`, the same for a wrong, expired, used-up or revoked token; 422 when a proof does not
/// hold or the machine does not name itself; 409 `key_in_use` when the key belongs to another enrollment; 429.
pub async fn enroll(app: &App, ctx: &Ctx, request: EnrollRequest) -> Result<EnrollResponse> {
    app.limits.enroll(ctx.counted)?;
    let candidate = check(app, request)?;
    let answer = |agent_id| EnrollResponse { agent_id, server_public_key: app.keys.server_key() };
    let token_hash = candidate.token.hash();
    let known = {
        let mut connection = app.db.acquire().await?;
        if let Some(agent_id) = store::enrolled_before(&mut connection, &candidate.public_key, &token_hash).await? {
            // The answer to the first attempt was lost: the same key and token get the same answer, uncounted.
            return Ok(answer(agent_id));
        }
        store::token(&mut connection, &token_hash).await?
    };
    let known = known.ok_or_else(|| refused("unknown_token"))?;
    let state = known.state(app.env.now());
    if state != TokenState::Active && !app.limits.keeps_refusal(known.id, state.as_str()) {
        return Err(refused(state.as_str()));
    }
    let ctx = Ctx { actor: Actor::System("enrollment"), ..ctx.clone() };
    let target = Target::unknown("agent", &candidate.machine.hostname);
    let mut work = Mutation::begin(app, &ctx, "agent.enroll", target).await?;
    work.entry.organization_id = Some(known.organization_id);
    work.note("token_id", known.id.to_string());
    let result = enroll_in(app, &mut work, &candidate, &known, &token_hash).await;
    let enrolled = work.finish(result).await?;
    announce(app, &enrolled).await;
    Ok(answer(enrolled.agent_id))
}

/// The same for every cause; which one it is, only the metrics say, and once an hour the audit log.
fn refused(cause: &'static str) -> Error {
    metrics::counter!("enrollments_refused_total", "reason" => cause).increment(1);
    Error::forbidden(
        "enrollment_token_invalid",
        "the enrollment token is not valid; ask for a new one and copy it whole from the dashboard",
    )
}

/// Checks everything that needs no database.
fn check(app: &App, mut request: EnrollRequest) -> Result<Candidate> {
    let server = app.keys.server_fingerprint();
    if request.verify(&server).is_err() {
        return Err(Error::invalid(
            "proof",
            "is not this key's signature for this server, nonce and machine id; enroll again with a token of this server",
        ));
    }
    let previous = request.proven_previous_key(&server);
    request.machine.bound();
    let mut errors = Vec::new();
    for (field, value) in
        [("machine.machine_id", &request.machine.machine_id), ("machine.hostname", &request.machine.hostname)]
    {
        if value.is_empty() {
            errors.push(FieldError { field: field.into(), message: "must not be empty".into() });
        }
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let token = request.token.parse::<EnrollmentToken>().ok().filter(|token| token.server == server);
    Ok(Candidate {
        token: token.ok_or_else(|| refused("malformed_token"))?,
        public_key: request.public_key,
        previous,
        agent_version: clean_line(&request.agent_version, limits::MAX_NAME),
        server_host: server_host::this_host().is(&request.machine),
        machine: request.machine,
    })
}

async fn enroll_in(
    app: &App,
    work: &mut Mutation<'_>,
    candidate: &Candidate,
    token: &Token,
    token_hash: &[u8; 32],
) -> Result<Enrolled> {
    let now = app.env.now();
    work.note("site_id", token.site_id.to_string());
    work.note("server_host", candidate.server_host);
    // First, so that whoever holds a token of the past learns nothing of keys.
    if token.state(now) != TokenState::Active {
        return Err(refuse_token(work, token.state(now)));
    }
    if store::key_is_known(&mut work.tx, &candidate.public_key).await? {
        return Err(Error::conflict(
            "key_in_use",
            "this key belongs to an earlier enrollment; enroll with a new key (and prove the earlier one)",
        ));
    }
    let earlier = match &candidate.previous {
        Some(key) => store::active_agent_of_key(&mut work.tx, key, token.organization_id).await?,
        None => None,
    }
    // A machine that a technician decided against holds a copy of the key, and a copy proves nothing.
    .filter(|agent| !agent.rejected_machine_ids.contains(&candidate.machine.machine_id));
    let record = EnrolledAgent {
        id: earlier.as_ref().map_or_else(|| app.env.id(), |agent| agent.id),
        organization_id: token.organization_id,
        site_id: token.site_id,
        token_id: token.id,
        machine: &candidate.machine,
        agent_version: &candidate.agent_version,
        server_host: candidate.server_host,
        at: now,
    };
    let rekeyed = earlier.is_some();
    let mut ended = Vec::new();
    if rekeyed {
        store::revoke_keys(&mut work.tx, record.id, now).await?;
        store::update_agent(&mut work.tx, &record).await?;
        ended = give_up_outstanding(app, &mut work.tx, record.id, ENROLLED_ANEW).await?;
        work.note("rekeyed", true);
        work.note("unknown_commands", ended.len());
    } else {
        insert_new(work, &record).await?;
    }
    store::insert_key(&mut work.tx, &candidate.public_key, record.id, now).await?;
    // Last, because it locks the token's row: a site enrolls at once with one token.
    if !store::use_token(&mut work.tx, token.id, now).await? {
        let token = store::token(&mut work.tx, token_hash).await?.ok_or_else(|| refused("unknown_token"))?;
        return Err(refuse_token(work, token.state(now)));
    }
    work.entry.target = Target::new("agent", record.id, &candidate.machine.hostname);
    work.entry.agent_id = Some(record.id);
    Ok(Enrolled { agent_id: record.id, organization_id: token.organization_id, rekeyed, ended })
}

fn refuse_token(work: &mut Mutation<'_>, state: TokenState) -> Error {
    work.note("token_state", state.as_str());
    refused(state.as_str())
}

async fn insert_new(work: &mut Mutation<'_>, record: &EnrolledAgent<'_>) -> Result<()> {
    let duplicate_of =
        store::agent_of_machine(&mut work.tx, record.organization_id, &record.machine.machine_id).await?;
    if let Some(original) = duplicate_of {
        work.note("duplicate_of", original.to_string());
    }
    store::insert_agent(&mut work.tx, record, duplicate_of).await
}

async fn announce(app: &App, enrolled: &Enrolled) {
    let &Enrolled { agent_id, organization_id, rekeyed, ref ended } = enrolled;
    metrics::counter!("enrollments_total").increment(1);
    if rekeyed {
        // A session of the old key is over.
        app.hub.bus.signal_agent(agent_id, AgentSignal::Standing).await;
    }
    for &command_id in ended {
        app.hub.bus.publish(DashboardEvent::Command { command_id, agent_id, organization_id }).await;
    }
    app.hub.bus.publish(DashboardEvent::Fleet { organization_id }).await;
    app.hub.bus.publish(DashboardEvent::Agent { agent_id, organization_id }).await;
}
