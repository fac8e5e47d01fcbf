//! Orders: signed envelopes other than commands, which cancel a command or decommission the agent. And how stored envelopes are opened.

use chrono::{DateTime, Utc};
use gururmm_protocol::crypto::SignatureBytes;
use gururmm_protocol::envelope::{Action, Expectation, SignedEnvelope, Terms};
use sqlx::PgConnection;
use uuid::Uuid;

use super::store_orders::{self, NewOrder, StoredOrder};
use crate::app::App;
use crate::core::{Error, Result};

/// Signs an order to an agent and stores it in the caller's transaction. The caller signals
/// [`crate::hub::bus::AgentSignal::Work`] after the commit.
///
/// # Errors
/// When it cannot be stored, or `action` is a command (which has a table of its own).
pub async fn sign_order(
    app: &App,
    connection: &mut PgConnection,
    agent_id: Uuid,
    action: Action,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let order = new_order(app, agent_id, action, app.env.now(), expires_at)?;
    store_orders::insert(connection, &[order]).await
}

/// An order, signed, as it is to be stored.
pub(super) fn new_order(
    app: &App,
    agent_id: Uuid,
    action: Action,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<NewOrder> {
    let command_id = match &action {
        Action::CancelCommand { command_id } => Some(*command_id),
        Action::Decommission { .. } => None,
        Action::RunCommand(_) => return Err(Error::internal("a command is no order: see commands::many::make")),
    };
    let (id, kind) = (app.env.id(), action.kind());
    let stored = sealed_order(app, id, agent_id, action, expires_at)?;
    Ok(NewOrder { stored, agent_id, kind, command_id, epoch: app.epoch, created_at, expires_at })
}

/// Signs an agent's stored decommission order anew, under its own id and with a later expiry. Only an order that the
/// installation's own key signed for this agent in this epoch: somebody authorized that, and nobody who can merely write
/// to the database. Whether it was one.
///
/// # Errors
/// When the database cannot be reached.
pub async fn renew_decommission(
    app: &App,
    connection: &mut PgConnection,
    agent_id: Uuid,
    id: Uuid,
    expires_at: DateTime<Utc>,
) -> Result<bool> {
    let Some(stored) = store_orders::order(connection, id).await? else { return Ok(false) };
    let Ok(envelope) = unseal(app, id, stored.header, &stored.signature, &stored.payload_sealed) else {
        return Ok(false);
    };
    let server_key = app.keys.server_key();
    let epoch = u32::try_from(app.epoch).map_err(Error::internal)?;
    // That it is over is what is to be mended.
    let expect = Expectation { server_key: &server_key, agent_id, epoch, now: DateTime::<Utc>::MIN_UTC };
    match envelope.open(&expect) {
        Ok((header, action @ Action::Decommission { .. })) if header.id == id => {
            let renewed = sealed_order(app, id, agent_id, action, expires_at)?;
            store_orders::renew(connection, &renewed, expires_at).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// An order as it is stored: signed, its payload encrypted.
fn sealed_order(app: &App, id: Uuid, agent_id: Uuid, action: Action, expires_at: DateTime<Utc>) -> Result<StoredOrder> {
    let envelope = seal(app, id, agent_id, action, expires_at)?;
    Ok(StoredOrder {
        id,
        header: envelope.header,
        signature: envelope.signature.as_bytes().to_vec(),
        payload_sealed: app.keys.vault.seal(&app.env, id.as_bytes(), envelope.payload.as_bytes())?,
    })
}

/// Signs an action with the installation's key.
pub(super) fn seal(
    app: &App,
    id: Uuid,
    agent_id: Uuid,
    action: Action,
    expires_at: DateTime<Utc>,
) -> Result<SignedEnvelope> {
    let terms = Terms {
        id,
        agent_id,
        epoch: u32::try_from(app.epoch).map_err(Error::internal)?,
        issued_at: app.env.now(),
        expires_at,
        salt: app.env.random_id(),
    };
    SignedEnvelope::seal(&app.keys.signing, terms, action).map_err(Error::internal)
}

/// The envelope as it was signed: only copied, never signed anew.
///
/// # Errors
/// When the stored row was altered or belongs to another installation.
pub(super) fn unseal(
    app: &App,
    id: Uuid,
    header: String,
    signature: &[u8],
    payload_sealed: &[u8],
) -> Result<SignedEnvelope> {
    let signature = signature.try_into().map_err(|_| Error::internal("a stored signature is not 64 bytes long"))?;
    let payload = app.keys.vault.open(id.as_bytes(), payload_sealed)?;
    let payload =
        std::str::from_utf8(&payload).map_err(|_| Error::internal("a stored payload is not text"))?.to_owned();
    Ok(SignedEnvelope { header, signature: SignatureBytes::from_bytes(signature), payload })
}

/// Whether an envelope is of an older epoch of the installation: agents refuse it.
pub(super) fn is_void(app: &App, envelope: &SignedEnvelope) -> bool {
    envelope.claimed_header().is_some_and(|header| i64::from(header.epoch) < i64::from(app.epoch))
}
