//! The list of passes.

use std::time::Duration;

use super::Pass;
use crate::hub::{presence, recheck};
use crate::{accounts, agents, audit, commands, inventory, operations, runs, software};

/// Every pass of the server.
pub(super) fn all() -> Vec<Pass> {
    let seconds = Duration::from_secs;
    vec![
        Pass {
            name: "sessions",
            every: seconds(3600),
            once_in_cluster: true,
            run: |app| Box::pin(async move { accounts::service::forget_old_logins(&app).await }),
        },
        Pass {
            name: "commands",
            every: seconds(15),
            once_in_cluster: true,
            run: |app| Box::pin(async move { commands::service::sweep(&app).await }),
        },
        Pass {
            name: "runs",
            every: seconds(60),
            once_in_cluster: true,
            run: |app| Box::pin(async move { runs::settle::settle(&app).await }),
        },
        Pass {
            name: "presence_leases",
            every: presence::RENEW_EVERY,
            once_in_cluster: false,
            run: |app| Box::pin(async move { presence::renew(&app).await }),
        },
        Pass {
            name: "session_recheck",
            every: recheck::EVERY,
            once_in_cluster: false,
            run: |app| Box::pin(async move { recheck::recheck(&app).await }),
        },
        Pass {
            name: "presence",
            every: presence::SWEEP_EVERY,
            once_in_cluster: true,
            run: |app| Box::pin(async move { presence::sweep(&app).await }),
        },
        Pass {
            name: "readings_partitions",
            every: seconds(3600),
            once_in_cluster: true,
            run: |app| Box::pin(async move { inventory::service::ensure_partitions(&app).await }),
        },
        Pass {
            name: "inventory_changes",
            every: seconds(300),
            once_in_cluster: true,
            run: |app| Box::pin(async move { inventory::history::forget(&app).await }),
        },
        Pass {
            name: "software_titles",
            every: seconds(300),
            once_in_cluster: true,
            run: |app| {
                Box::pin(async move { software::derive::remove_unused_titles(&app, software::derive::PASS).await })
            },
        },
        Pass {
            name: "software_catch_up",
            every: seconds(30),
            once_in_cluster: true,
            run: |app| Box::pin(async move { software::derive::catch_up(&app, software::derive::PASS).await }),
        },
        Pass {
            name: "audit_seal",
            every: seconds(1),
            // It has its own lock, which also serves whoever seals outside a pass.
            once_in_cluster: false,
            run: |app| Box::pin(async move { audit::seal::seal_batch(&app).await.map(drop) }),
        },
        Pass {
            name: "abandoned_agents",
            every: seconds(3600),
            once_in_cluster: true,
            run: |app| Box::pin(async move { agents::decommission::end_abandoned(&app).await.map(drop) }),
        },
        Pass {
            name: "upkeep",
            every: seconds(10),
            once_in_cluster: false,
            run: |app| {
                Box::pin(async move {
                    operations::metrics::upkeep();
                    app.limits.sweep();
                    app.hub.sessions.paces.sweep(tokio::time::Instant::now());
                    Ok(())
                })
            },
        },
    ]
}
