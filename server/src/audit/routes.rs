//! Routes.

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// Routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}
