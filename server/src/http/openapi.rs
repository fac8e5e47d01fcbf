//! The API document, built from the same calls that build the router.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
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

/// Says of every operation that any other answer is a problem.
#[must_use]
pub fn with_problems(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let problem = ResponseBuilder::new()
        .description("What went wrong, as problem+json (RFC 9457)")
        .content("application/problem+json", content)
        .build();
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        operation.responses.responses.entry("default".to_owned()).or_insert_with(|| RefOr::T(problem.clone()));
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}
