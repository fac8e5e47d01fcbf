//! A raised epoch: a backup of the installation was restored, and what was signed before it is void.

use super::lifecycle::VOID;
use super::store_epoch::{self, Voided};
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::core::Result;

/// Ends what waits since an older epoch, in one statement and with one audit row; to be called at the start, before agents
/// connect. They would refuse all of it, one by one. What an agent was sent before stays: it is asked about as ever.
///
/// # Errors
/// When the database cannot be reached.
pub async fn void_older(app: &App) -> Result<()> {
    let ctx = Ctx::system("start");
    let target = Target::unknown("installation", format!("epoch {}", app.epoch));
    let mut work = Mutation::begin(app, &ctx, "command.void", target).await?;
    let Voided { commands, orders } = store_epoch::void_older(&mut work.tx, app.epoch, VOID, app.env.now()).await?;
    if commands == 0 && orders == 0 {
        return Ok(());
    }
    tracing::warn!(commands, orders, epoch = app.epoch, "what waited since before a backup was restored is void");
    work.note("reason", VOID);
    work.note("commands", commands);
    work.note("orders", orders);
    work.finish(Ok(())).await
}
