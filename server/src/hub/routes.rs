//! `/ws/agent`.

use axum::Router;

use crate::app::App;

/// Routes of the hub.
pub fn router() -> Router<App> {
    Router::new()
}
