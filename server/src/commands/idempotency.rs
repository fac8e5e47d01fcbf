//! Orders that are sent again: whoever did not hear whether an order was taken sends it again with the same key, and is
//! answered with what was made of it (as the draft "The Idempotency-Key HTTP Header Field",
//! <https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>, but as a field of the body).

use gururmm_protocol::crypto::sha256;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store_idempotency::{self as store, Claim};
use crate::app::{App, Ctx};
use crate::core::{Error, Result};

/// What is made of an order.
#[derive(Debug, Clone, Copy)]
pub enum Made {
    /// A run.
    Run(Uuid),
    /// A command for one agent.
    Command(Uuid),
}

/// Takes the key of an order for what is being made of it, in the caller's transaction and before anything else is done
/// there: others with the same key wait until it ends. Answers what was made of the order earlier: then nothing is to be
/// made. `meaning` is everything that the order says.
///
/// # Errors
/// 409 when the caller ordered something else with this key; when the database cannot be reached.
pub async fn claim(
    app: &App,
    ctx: &Ctx,
    connection: &mut PgConnection,
    key: Option<Uuid>,
    meaning: &(impl Serialize + Sync),
    made: Made,
) -> Result<Option<Uuid>> {
    // Only a user has lost answers: everybody else acts in one process with this one.
    let (_, Some(requested_by), _) = ctx.actor.record() else { return Ok(None) };
    let Some(key) = key else { return Ok(None) };
    let digest = sha256(&serde_json::to_vec(meaning).map_err(Error::internal)?);
    let sealed = app.keys.vault.seal(&app.env, key.as_bytes(), &digest)?;
    let Claim::Earlier { sealed, made } = store::claim(connection, requested_by, key, &sealed, made).await? else {
        return Ok(None);
    };
    if *app.keys.vault.open(key.as_bytes(), &sealed)? != digest {
        let detail = "idempotency_key: something else was ordered with this key before; look at what was ordered, and use a \
                      new key for another order";
        return Err(Error::conflict("idempotency_key_used", detail));
    }
    Ok(Some(made))
}
