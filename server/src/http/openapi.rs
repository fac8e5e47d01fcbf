//! The API document, built from the same calls that build the router.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::problem::Problem;

/// Title, security scheme and shared schemas; routes come from the router.
#[derive(OpenApi)]
#[openapi(
    info(title = "GuruRMM", description = "REST API of the GuruRMM server. Errors are problem+json (RFC 9457)."),
    components(schemas(Problem)),
    modifiers(&Shared),
    security(("bearer" = []))
)]
pub struct ApiDocument;

struct Shared;

impl Modify for Shared {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(
            "bearer",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build()),
        );
    }
}
