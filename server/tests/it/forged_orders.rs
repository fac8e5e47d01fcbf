//! Rows put into `agent_envelopes` by hand: whoever can write to the database commands no agent.

use std::time::Duration;

use chrono::TimeDelta;
use ed25519_dalek::SigningKey;
use gururmm_protocol::crypto::SignatureBytes;
use gururmm_protocol::envelope::{Action, Refusal, SignedEnvelope, Terms};
use gururmm_server::hub::bus::AgentSignal;
use gururmm_sim::Session;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::place::{id_of, shell, show};
use crate::support::{TestApp, start_of_time};

/// An envelope for this agent, signed by this key.
fn signed(app: &TestApp, key: &SigningKey, agent_id: Uuid, action: Action) -> (Uuid, SignedEnvelope) {
    let (id, salt) = (Uuid::from_u128(fastrand::u128(..)), Uuid::from_u128(fastrand::u128(..)));
    let (issued_at, expires_at) = (start_of_time(), start_of_time() + TimeDelta::days(1));
    let epoch = u32::try_from(app.app.epoch).unwrap();
    (id, SignedEnvelope::seal(key, Terms { id, agent_id, epoch, issued_at, expires_at, salt }, action).unwrap())
}

/// What only somebody with the storage key can do; the server's own rows are sealed in this way.
fn sealed(app: &TestApp, id: Uuid, envelope: &SignedEnvelope) -> Vec<u8> {
    app.app.keys.vault.seal(&app.app.env, id.as_bytes(), envelope.payload.as_bytes()).unwrap()
}

/// Puts a row in and wakes the agent's session.
async fn put(app: &TestApp, agent_id: Uuid, id: Uuid, action: &Action, envelope: &SignedEnvelope, payload: &[u8]) {
    sqlx::query(
        "INSERT INTO agent_envelopes (id, agent_id, kind, header, signature, payload_sealed, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id)
    .bind(agent_id)
    .bind(action.kind())
    .bind(&envelope.header)
    .bind(envelope.signature.as_bytes().as_slice())
    .bind(payload)
    .bind(start_of_time())
    .bind(start_of_time() + TimeDelta::days(1))
    .execute(&app.db)
    .await
    .unwrap();
    app.app.hub.bus.signal_agent(agent_id, AgentSignal::Work).await;
}

/// It is sent, and the agent refuses it for this reason and says so.
async fn expect_refused(session: &mut Session, id: Uuid, why: Refusal) {
    let envelope = session.expect_envelope().await.unwrap();
    assert_eq!(session.open_envelope(&envelope).unwrap_err(), why);
    session.refuse_envelope(Some(id), why).await.unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn orders_written_into_the_database_by_hand_are_not_obeyed(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let (agent, other) = (app.agent_in(organization, site, 1).await, app.agent_in(organization, site, 2).await);
    let (agent_id, other_id) = (agent.agent_id().unwrap(), other.agent_id().unwrap());
    let admin = app.admin().await;
    let mut session = agent.connect().await.unwrap();
    let created = admin.post(&format!("/api/agents/{agent_id}/commands"), shell("sleep 60")).await.expect(201);
    let command = id_of(&created);
    session.expect_command().await.unwrap();
    session.report_started(command).await.unwrap();

    let (server, thief) = (&app.app.keys.signing, SigningKey::from_bytes(&[9; 32]));
    for action in [Action::Decommission { uninstall: true }, Action::CancelCommand { command_id: command }] {
        // Without the storage key nothing can be sealed: not even what is signed rightly leaves the server.
        let (id, envelope) = signed(&app, server, agent_id, action.clone());
        put(&app, agent_id, id, &action, &envelope, envelope.payload.as_bytes()).await;
        // A sealed payload opens only under its own row's id.
        let (id, envelope) = signed(&app, server, agent_id, action.clone());
        put(&app, agent_id, Uuid::from_u128(fastrand::u128(..)), &action, &envelope, &sealed(&app, id, &envelope))
            .await;
        session.link().expect_silence(Duration::from_millis(400)).await.unwrap();

        // With the storage key, but without the signing key.
        let (id, envelope) = signed(&app, &thief, agent_id, action.clone());
        put(&app, agent_id, id, &action, &envelope, &sealed(&app, id, &envelope)).await;
        expect_refused(&mut session, id, Refusal::UnknownKey).await;
        let (id, mut envelope) = signed(&app, server, agent_id, action.clone());
        envelope.signature = SignatureBytes::from_bytes([0; 64]);
        put(&app, agent_id, id, &action, &envelope, &sealed(&app, id, &envelope)).await;
        expect_refused(&mut session, id, Refusal::BadSignature).await;

        // A real order to another agent, copied as it is.
        let (id, envelope) = signed(&app, server, other_id, action.clone());
        put(&app, agent_id, id, &action, &envelope, &sealed(&app, id, &envelope)).await;
        expect_refused(&mut session, id, Refusal::OtherAgent).await;
    }

    session.report_inventory(&agent).await.unwrap();
    assert_eq!(show(&admin, command).await["state"], "running");
    assert_eq!(admin.get(&format!("/api/agents/{agent_id}")).await.expect(200)["state"], "active");
    let obeyed: i64 =
        sqlx::query_scalar("SELECT count(*) FROM agent_keys WHERE agent_id = $1 AND revoked_at IS NOT NULL")
            .bind(agent_id)
            .fetch_one(&app.db)
            .await
            .unwrap();
    assert_eq!(obeyed, 0);
}
