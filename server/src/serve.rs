//! The running server: from a configuration to an orderly end.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::boot;
use crate::config::Config;
use crate::core::Env;
use crate::db::private_cluster::PrivateCluster;
use crate::http::router;
use crate::{commands, hub, operations, reconcile};

/// How long a caller may take for the headers of a request, which is also how long an idle connection is kept.
const HEADER_PATIENCE: Duration = Duration::from_secs(20);
/// How often the private Postgres and the certificate files are looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// Runs the server until it is told to stop (SIGTERM or SIGINT; a second one cuts what still runs).
///
/// # Errors
/// In words for the operator: port in use, data directory in use, Postgres, keys, certificate.
pub async fn run(config: Config) -> Result<()> {
    let env = Env::system();
    operations::metrics::install()?;
    // Before anything is started: the cheapest thing that can be wrong.
    let listener = TcpListener::bind(config.listen).with_context(|| match config.listen.port() {
        0..1024 => format!("cannot listen on {} (ports below 1024 need root or CAP_NET_BIND_SERVICE)", config.listen),
        port => format!("cannot listen on {}; is another program using port {port}? See GURURMM_LISTEN", config.listen),
    })?;
    listener.set_nonblocking(true)?;
    let _lock = boot::lock_data_dir(&config.data_dir)?;
    let tls = match &config.tls {
        Some((cert, key)) => Some(load_tls(cert.clone(), key.clone()).await?),
        None => None,
    };
    let (app, cluster) = boot::app(config, env).await?;
    // Before the first connection and the first sweep: nobody goes offline because the server was away.
    hub::presence::after_start(&app).await?;
    // What stays, because this failed, is judged one by one when it is to be sent.
    if let Err(error) = commands::epoch::void_older(&app).await {
        tracing::error!(%error, "what waited since before a backup was restored could not be ended at once");
    }
    let tasks = TaskTracker::new();
    reconcile::start(&app, &tasks);
    let handle = Handle::new();
    tasks.spawn(watch_tls(app.clone(), tls.clone()));
    let guard = tokio::spawn(watch_postgres(app.clone(), cluster));
    let cut = CancellationToken::new();
    let stopping = tokio::spawn(stop_on_signal(app.clone(), handle.clone(), cut.clone()));
    if !app.config.listen.ip().is_loopback() && tls.is_none() && app.config.trusted_proxies.is_empty() {
        tracing::warn!(
            "listening beyond loopback without TLS: agents refuse plain text; set GURURMM_TLS_CERT and _KEY"
        );
    }
    tracing::info!(address = %app.config.listen, url = app.config.public_url(), "ready");
    notify_systemd(&tasks, &app);
    let service = router::build(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        Some(tls) => {
            let mut server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle);
            limit_patience(server.http_builder());
            server.serve(service).await
        }
        None => {
            let mut server = axum_server::from_tcp(listener)?.handle(handle);
            limit_patience(server.http_builder());
            server.serve(service).await
        }
    }
    .context("serving stopped")?;
    app.shutdown.cancel();
    let patience = Duration::from_secs(app.config.shutdown_seconds);
    let drained = cut.run_until_cancelled(app.hub.drained(patience)).await;
    let left = drained.unwrap_or_else(|| app.hub.connected());
    if left > 0 {
        tracing::warn!(agents = left, "agent sessions were cut");
    }
    tasks.close();
    // Background passes end between two steps; one that hangs is left behind.
    let _ = cut.run_until_cancelled(tokio::time::timeout(Duration::from_secs(10), tasks.wait())).await;
    let _ = cut.run_until_cancelled(app.db.close()).await;
    stopping.abort();
    if let Some(cluster) = guard.await? {
        cluster.stop().await?;
    }
    tracing::info!("stopped");
    Ok(())
}

/// A caller who sends headers slowly, or holds an idle connection, must not use up the process's open files.
fn limit_patience(http: &mut Builder<TokioExecutor>) {
    http.http1().header_read_timeout(HEADER_PATIENCE);
    http.http2().keep_alive_interval(HEADER_PATIENCE).keep_alive_timeout(HEADER_PATIENCE);
}

/// First signal: stop accepting, end agent sessions and long answers, let requests finish. Second one, or the deadline: cut
/// requests; the second one also cuts the waiting for sessions, passes and the database.
async fn stop_on_signal(app: App, handle: Handle<SocketAddr>, cut: CancellationToken) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hint = async || tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} };
    hint().await;
    tracing::info!(seconds = app.config.shutdown_seconds, "stopping; a second signal cuts what still runs");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    app.shutdown.cancel();
    handle.graceful_shutdown(Some(Duration::from_secs(app.config.shutdown_seconds)));
    hint().await;
    tracing::warn!("cutting what still runs");
    handle.shutdown();
    cut.cancel();
    Ok(())
}

fn notify_systemd(tasks: &TaskTracker, app: &App) {
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    if let Some(limit) = sd_notify::watchdog_enabled() {
        let shutdown = app.shutdown.clone();
        tasks.spawn(async move {
            while shutdown.run_until_cancelled(tokio::time::sleep(limit / 3)).await.is_some() {
                let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
            }
        });
    }
}

/// Starts the private Postgres again if it dies, until the server stops; hands it back for the orderly end.
async fn watch_postgres(app: App, cluster: Option<PrivateCluster>) -> Option<PrivateCluster> {
    let cluster = cluster?;
    while app.shutdown.run_until_cancelled(tokio::time::sleep(WATCH_INTERVAL)).await.is_some() {
        match cluster.ensure_running().await {
            Ok(false) => {}
            Ok(true) => tracing::warn!("the private Postgres had stopped; it was started again"),
            Err(error) => tracing::error!(error = format!("{error:#}"), "the private Postgres does not start"),
        }
    }
    Some(cluster)
}

async fn load_tls(cert: PathBuf, key: PathBuf) -> Result<RustlsConfig> {
    RustlsConfig::from_pem_file(&cert, &key)
        .await
        .with_context(|| format!("cannot use the certificate {} with the key {}", cert.display(), key.display()))
}

/// Reads the certificate again when its files change; a bad one is reported and the old one stays.
async fn watch_tls(app: App, tls: Option<RustlsConfig>) {
    let (Some(tls), Some((cert, key))) = (tls, &app.config.tls) else { return };
    let changed = || -> Option<(SystemTime, SystemTime)> {
        Some((std::fs::metadata(cert).ok()?.modified().ok()?, std::fs::metadata(key).ok()?.modified().ok()?))
    };
    let mut seen = changed();
    while app.shutdown.run_until_cancelled(tokio::time::sleep(WATCH_INTERVAL)).await.is_some() {
        let now = changed();
        if now.is_none() || now == seen {
            continue;
        }
        seen = now;
        match tls.reload_from_pem_file(cert, key).await {
            Ok(()) => tracing::info!(certificate = %cert.display(), "certificate loaded again"),
            Err(error) => tracing::error!(%error, certificate = %cert.display(), "the new certificate cannot be used"),
        }
    }
}
