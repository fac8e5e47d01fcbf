//! Enrollment tokens: bound to a site, shown once, stored as a hash. (Using one is `agents::enrollment`.)

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::authz::Permission;

pub mod routes;
pub mod service;
pub(crate) mod store;

/// An enrollment token, without its secret.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct EnrollmentToken {
    /// What is stored of it.
    #[serde(flatten)]
    pub record: TokenRecord,
    /// Whether it works now.
    pub state: TokenState,
    /// What the caller may do with it.
    pub permissions: TokenPermissions,
}

/// What is stored of an enrollment token and may be shown.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct TokenRecord {
    /// Id.
    pub id: Uuid,
    /// The site that machines join with it.
    pub site_id: Uuid,
    /// The site's name.
    pub site_name: String,
    /// The organization.
    pub organization_id: Uuid,
    /// The organization's name.
    pub organization_name: String,
    /// What it is for, in words.
    pub label: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Machines it may enroll; null: any number.
    pub max_uses: Option<i32>,
    /// Machines it has enrolled.
    pub uses: i32,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What the caller may do with an enrollment token.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct TokenPermissions {
    /// Revoke it.
    pub revoke: Permission,
}

/// Whether a token works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// It works.
    Active,
    /// Its time is over.
    Expired,
    /// It has enrolled as many machines as it may.
    UsedUp,
    /// Somebody ended it.
    Revoked,
}

impl TokenState {
    /// The state as the API and the audit log write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::UsedUp => "used_up",
            Self::Revoked => "revoked",
        }
    }

    /// What these facts mean at `now`. Revoked tells most, then expired.
    #[must_use]
    pub fn derive(
        revoked_at: Option<DateTime<Utc>>,
        expires_at: DateTime<Utc>,
        max_uses: Option<i32>,
        uses: i32,
        now: DateTime<Utc>,
    ) -> Self {
        if revoked_at.is_some() {
            Self::Revoked
        } else if expires_at <= now {
            Self::Expired
        } else if max_uses.is_some_and(|max| uses >= max) {
            Self::UsedUp
        } else {
            Self::Active
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_at_its_instant_and_with_its_last_use() {
        let now = DateTime::UNIX_EPOCH;
        let (soon, second) = (now + chrono::TimeDelta::seconds(1), chrono::TimeDelta::seconds(1));
        let derive = TokenState::derive;
        assert_eq!(derive(None, soon, None, 1_000_000, now), TokenState::Active);
        assert_eq!(derive(None, soon, Some(2), 1, now), TokenState::Active);
        assert_eq!(derive(None, soon, Some(2), 2, now), TokenState::UsedUp);
        assert_eq!(derive(None, now, None, 0, now), TokenState::Expired);
        assert_eq!(derive(Some(now), now - second, Some(1), 1, now), TokenState::Revoked);
    }
}
