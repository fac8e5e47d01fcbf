//! The list of passes.

use std::time::Duration;

use super::Pass;
use crate::{accounts, commands, db, operations};

/// Every pass of the server.
pub(super) fn all() -> Vec<Pass> {
    let seconds = Duration::from_secs;
    vec![
        Pass {
            name: "node_lease",
            every: db::NODE_LEASE / 4,
            once_in_cluster: false,
            run: |app| Box::pin(async move { db::renew_node(&app).await }),
        },
        Pass {
            name: "sessions",
            every: seconds(3600),
            once_in_cluster: true,
            run: |app| Box::pin(async move { accounts::service::forget_old_sessions(&app).await }),
        },
        Pass {
            name: "commands",
            every: seconds(15),
            once_in_cluster: true,
            run: |app| Box::pin(async move { commands::service::sweep(&app).await }),
        },
        Pass {
            name: "upkeep",
            every: seconds(10),
            once_in_cluster: false,
            run: |app| {
                Box::pin(async move {
                    operations::metrics::upkeep();
                    app.limits.sweep();
                    Ok(())
                })
            },
        },
    ]
}
