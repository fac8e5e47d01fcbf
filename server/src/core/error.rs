//! The one error type of services and stores: what the caller may read, apart from what only the log may.

use std::time::Duration;

/// Shorthand.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One field of the request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field, for example `program.argv`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Why a request was not done. Everything but [`Error::Internal`] is text for the caller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 400: cannot be read at all.
    #[error("{detail}")]
    BadRequest {
        /// Machine-readable.
        code: &'static str,
        /// In words.
        detail: String,
    },
    /// 401: who are you?
    #[error("{detail}")]
    Unauthenticated {
        /// Machine-readable.
        code: &'static str,
        /// In words.
        detail: &'static str,
    },
    /// 403: you may see it, but not do this.
    #[error("{detail}")]
    Forbidden {
        /// Machine-readable.
        code: &'static str,
        /// In words.
        detail: String,
    },
    /// 404: it does not exist, or is outside your scope.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// 409: it contradicts what is there.
    #[error("{detail}")]
    Conflict {
        /// Machine-readable.
        code: &'static str,
        /// In words.
        detail: String,
    },
    /// 413: too large.
    #[error("{detail}")]
    TooLarge {
        /// In words, with the limit.
        detail: String,
    },
    /// 422: read, but wrong.
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// 429: too often.
    #[error("too many attempts; try again in {} s", .retry_after.as_secs())]
    TooManyRequests {
        /// When it may succeed.
        retry_after: Duration,
    },
    /// 503: something this server needs is away; nothing was changed.
    #[error("{detail}")]
    Unavailable {
        /// In words.
        detail: &'static str,
        /// When it may succeed.
        retry_after: Duration,
    },
    /// 503: so much of this kind is under way that there is no room for more; nothing was changed, and everything else goes
    /// on.
    #[error("{detail}")]
    Busy {
        /// In words.
        detail: &'static str,
        /// When it may succeed.
        retry_after: Duration,
    },
    /// 500: our fault. The cause goes to the log, never to the caller.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

impl Error {
    /// One wrong field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// A contradiction.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }

    /// A refusal.
    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Forbidden { code, detail: detail.into() }
    }

    /// Our fault, in words for the log.
    pub fn internal(problem: impl std::fmt::Display) -> Self {
        Self::Internal(anyhow::anyhow!("{problem}"))
    }

    /// The database cannot be reached, or cannot do its work now.
    #[must_use]
    pub const fn database_away() -> Self {
        Self::Unavailable {
            detail: "the database cannot be reached, or cannot do its work now; nothing was changed",
            retry_after: Duration::from_secs(5),
        }
    }

    /// The machine-readable code of the answer.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadRequest { code, .. }
            | Self::Unauthenticated { code, .. }
            | Self::Forbidden { code, .. }
            | Self::Conflict { code, .. } => code,
            Self::NotFound(_) => "not_found",
            Self::TooLarge { .. } => "too_large",
            Self::Invalid(_) => "invalid",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::Unavailable { .. } => "unavailable",
            Self::Busy { .. } => "busy",
            Self::Internal(_) => "internal",
        }
    }
}

fn describe(errors: &[FieldError]) -> String {
    errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect::<Vec<_>>().join("; ")
}
