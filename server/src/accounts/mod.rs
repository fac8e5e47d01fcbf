//! People: first account, login, sessions.

use serde::Serialize;
use uuid::Uuid;

use crate::authz::{GlobalRole, OrgRole};
use crate::core::FieldError;

pub mod failures;
pub mod password;
pub mod routes;
pub mod service;
pub(crate) mod store;
pub(crate) mod store_failures;
pub mod token;

/// A person with an account.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct User {
    /// Id.
    pub id: Uuid,
    /// Email, as entered.
    pub email: String,
    /// Name.
    pub name: String,
    /// Role in the installation.
    pub role: GlobalRole,
    /// Organizations the user works in; empty for roles above `user`, which work in all.
    pub memberships: Vec<Membership>,
}

/// A user's place in an organization.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Membership {
    /// The organization.
    pub organization_id: Uuid,
    /// Its name.
    pub organization_name: String,
    /// Role in it.
    pub role: OrgRole,
}

/// Checks an email address as far as it can be checked without sending mail.
pub(crate) fn check_email(email: &str, errors: &mut Vec<FieldError>) {
    let plausible = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !domain.contains('@')
            || (!local.is_empty() && domain == "localhost")
    });
    let clean = email.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if !plausible || !clean || email.len() > 254 {
        errors.push(FieldError {
            field: "email".into(),
            message: "must be an email address such as ada@example.com".into(),
        });
    }
}

/// Checks a person's name.
pub(crate) fn check_name(name: &str, errors: &mut Vec<FieldError>) {
    if name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        errors.push(FieldError { field: "name".into(), message: "must be 1 to 100 characters".into() });
    }
}

/// Checks a new password: length is what counts (NIST SP 800-63B, section 5.1.1.2).
pub(crate) fn check_new_password(password: &str, email: &str, errors: &mut Vec<FieldError>) {
    let mut bad = |message: &str| errors.push(FieldError { field: "password".into(), message: message.into() });
    if password.chars().count() < 12 {
        bad("must have at least 12 characters; a few words are easy to remember");
    } else if password.len() > 1024 {
        bad("must have at most 1024 bytes");
    } else if password.eq_ignore_ascii_case(email) {
        bad("must not be the email address");
    } else if password.chars().collect::<std::collections::BTreeSet<_>>().len() < 5 {
        bad("must have at least 5 different characters");
    }
}
