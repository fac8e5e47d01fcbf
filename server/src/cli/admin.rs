//! `gururmm-server admin ...`: what an operator does at the server itself, with or without the server running.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use gururmm_protocol::crypto::PublicKey;

use crate::app::{App, Ctx};
use crate::audit::verify::Report;
use crate::boot;
use crate::config::{Config, Settings};
use crate::core::Env;
use crate::db::private_cluster::PrivateCluster;
use crate::enrollment_tokens::service::NewToken;
use crate::{audit, enrollment_tokens, organizations};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an enrollment token and print it; organization and site are made if they do not exist.
    EnrollmentToken {
        /// Organization by name.
        #[arg(long)]
        organization: String,
        /// Site by name.
        #[arg(long)]
        site: String,
        /// What it is for.
        #[arg(long)]
        label: Option<String>,
        /// Hours until it expires.
        #[arg(long, default_value_t = 72)]
        hours: u32,
        /// How many machines may use it [default: no limit].
        #[arg(long)]
        max_uses: Option<u32>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Check that nobody changed, removed or cut off rows of the audit log; fails and names the first one if so.
    VerifyAudit {
        /// File of exported heads [default: audit-heads.jsonl in the data directory].
        #[arg(long, value_name = "FILE")]
        heads: Option<PathBuf>,
        #[command(flatten)]
        settings: Settings,
    },
}

pub(super) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::EnrollmentToken { organization, site, label, hours, max_uses, settings } => {
            let session = Session::open(settings.resolve()?).await?;
            let request = TokenRequest { organization, site, label, hours, max_uses };
            let secret = request.create(&session).await;
            session.close().await?;
            print(&secret?)?;
        }
        Command::VerifyAudit { heads, settings } => {
            let session = Session::open(settings.resolve()?).await?;
            let report = verify_audit(&session, heads).await;
            session.close().await?;
            let report = report?;
            print(&report.to_string())?;
            if report.problem.is_some() {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify_audit(session: &Session, heads: Option<PathBuf>) -> crate::core::Result<Report> {
    let app = &session.app;
    let heads = heads.unwrap_or_else(|| audit::heads::path(&app.config.data_dir));
    audit::verify::verify(&app.db, &PublicKey::of(&app.keys.audit), &heads).await
}

struct TokenRequest {
    organization: String,
    site: String,
    label: Option<String>,
    hours: u32,
    max_uses: Option<u32>,
}

impl TokenRequest {
    /// The new token's text.
    async fn create(self, session: &Session) -> crate::core::Result<String> {
        let Session { app, ctx, .. } = session;
        let organization = organizations::service::find_or_create_organization(app, ctx, &self.organization).await?;
        let site_id = organizations::service::find_or_create_site(app, ctx, organization, &self.site).await?;
        let token =
            NewToken { site_id, label: self.label, expires_in_hours: Some(self.hours), max_uses: self.max_uses };
        Ok(enrollment_tokens::service::create(app, ctx, &token).await?.secret)
    }
}

/// An installation opened beside the server, or without it.
struct Session {
    app: App,
    ctx: Ctx,
    /// The private Postgres, when no server runs that needs it afterwards.
    ours: Option<(PrivateCluster, boot::DataDirLock)>,
}

impl Session {
    async fn open(config: Config) -> Result<Self> {
        let env = Env::system();
        // A running server holds the lock, and its Postgres is left alone.
        let lock = boot::lock_data_dir(&config.data_dir).ok();
        let (app, cluster) = boot::app(config, env).await?;
        Ok(Self { app, ctx: Ctx::operator(), ours: cluster.zip(lock) })
    }

    async fn close(self) -> Result<()> {
        self.app.db.close().await;
        if let Some((cluster, _lock)) = self.ours {
            cluster.stop().await?;
        }
        Ok(())
    }
}

fn print(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
