//! A file of a list as an answer.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;

use crate::export::{Export, List};

/// The file, sent as it is made: the next page is read when the caller has taken the one before.
pub fn attachment<L: List>(export: Export<L>) -> Response {
    let disposition = format!("attachment; filename=\"{}\"", export.file_name());
    let parts = stream::unfold(export, |mut export| async move {
        let part = export.next().await?;
        Some((Ok::<_, Infallible>(part), export))
    });
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, Body::from_stream(parts)).into_response()
}
