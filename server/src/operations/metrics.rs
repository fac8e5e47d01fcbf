//! The recorder behind `GET /metrics`.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// The `metrics` crate has one recorder per process, so its handle is one too.
static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Seconds: what people wait for.
const LATENCY: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

/// Installs the recorder; without it, everything measured is dropped.
///
/// # Errors
/// When the process has a recorder already.
pub fn install() -> anyhow::Result<()> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY)?
        .install_recorder()?;
    let _ = HANDLE.set(handle);
    Ok(())
}

/// The metrics in Prometheus's text format.
#[must_use]
pub fn render() -> String {
    HANDLE.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// Drains what histograms have collected; to be called now and then.
pub fn upkeep() {
    if let Some(handle) = HANDLE.get() {
        handle.run_upkeep();
    }
}

/// Sets the gauges that are read, not counted.
pub fn gauge(app: &crate::app::App) {
    metrics::gauge!("database_connections").set(f64::from(app.db.size()));
    metrics::gauge!("database_connections_idle").set(u32::try_from(app.db.num_idle()).unwrap_or(u32::MAX));
}
