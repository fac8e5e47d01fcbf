//! What the caller may do, told beside what is shown: a control that may not be used is shown with the reason.

use serde::Serialize;
use uuid::Uuid;

use super::{Action, Actor, Decision, GlobalRole, Resource, decide};
use crate::core::page::Page;

/// Whether the caller may do something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Permission {
    /// It would be done.
    pub allowed: bool,
    /// Why not; null when allowed.
    pub reason: Option<String>,
}

impl Permission {
    /// What [`decide`] says of it.
    #[must_use]
    pub fn of(actor: &Actor, action: Action, resource: Resource) -> Self {
        match decide(actor, action, resource) {
            Decision::Allow => Self { allowed: true, reason: None },
            Decision::Forbid(reason) => Self::denied(reason),
            Decision::Hide => Self::denied("not found"),
        }
    }

    /// What [`decide`] says of it in this organization, or in any where none is chosen: one that allows it is enough.
    #[must_use]
    pub fn within(
        actor: &Actor,
        action: Action,
        organization: Option<Uuid>,
        resource: impl Fn(Uuid) -> Resource,
    ) -> Self {
        let of = |organization| Self::of(actor, action, resource(organization));
        match (organization, actor) {
            (Some(id), _) => of(id),
            (None, Actor::User(user)) if user.role == GlobalRole::User => {
                let mut all = user.memberships.iter().map(|(id, _)| of(*id));
                let first = all.next().unwrap_or_else(|| Self::denied("you work in no organization"));
                all.fold(first, |best, next| if best.allowed { best } else { next })
            }
            (None, _) => of(Uuid::nil()),
        }
    }

    /// Not now, for this reason.
    #[must_use]
    pub fn denied(reason: impl Into<String>) -> Self {
        Self { allowed: false, reason: Some(reason.into()) }
    }

    /// The same, unless `reason` stands against it as well.
    #[must_use]
    pub fn unless(self, reason: Option<&str>) -> Self {
        match reason {
            Some(reason) if self.allowed => Self::denied(reason),
            _ => self,
        }
    }
}

/// A page of a list, with what the caller may do to the list itself.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Listing<T> {
    /// The page.
    #[serde(flatten)]
    pub page: Page<T>,
    /// What the caller may do to the list.
    pub permissions: ListPermissions,
}

/// What the caller may do to a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ListPermissions {
    /// Add to it.
    pub create: Permission,
}

impl<T> Page<T> {
    /// The page with whether the caller may add to its list.
    #[must_use]
    pub fn with_create(self, create: Permission) -> Listing<T> {
        Listing { page: self, permissions: ListPermissions { create } }
    }
}
