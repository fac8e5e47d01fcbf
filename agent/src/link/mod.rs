//! The way to the server: enrollment over HTTP, then one WebSocket that is kept open.

pub mod address;
pub mod enroll;
pub mod proxy;
pub mod session;
pub mod socket;
pub mod supervise;
pub mod tls;

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The pause that an HTTP answer asks for, where it is given in seconds (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
