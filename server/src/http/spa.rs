//! The embedded dashboard.

use crate::core::Error;

/// Serves the dashboard.
pub async fn serve() -> Error {
    Error::NotFound("page")
}
