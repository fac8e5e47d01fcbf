//! Customers (organizations) and their places (sites).
//!
//! Deleting hides: the row stays, because agents that were decommissioned, their commands and the audit log name it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::authz::Permission;

pub mod routes;
pub mod service;
pub(crate) mod store;

/// A customer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Organization {
    /// Id.
    pub id: Uuid,
    /// Name, unique without regard to case.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Sites it has.
    pub site_count: i64,
    /// Agents it has, without the decommissioned ones.
    pub agent_count: i64,
    /// Of these: that need somebody.
    pub attention_count: i64,
    /// What the caller may do with it.
    pub permissions: OrganizationPermissions,
}

/// What the caller may do with an organization.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct OrganizationPermissions {
    /// Rename it.
    pub edit: Permission,
    /// Delete it.
    pub delete: Permission,
    /// Make enrollment tokens for its sites.
    pub enroll: Permission,
}

/// A place of a customer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Site {
    /// Id.
    pub id: Uuid,
    /// The customer.
    pub organization_id: Uuid,
    /// The customer's name.
    pub organization_name: String,
    /// Name, unique within the organization without regard to case.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Agents it has, without the decommissioned ones.
    pub agent_count: i64,
    /// Of these: that need somebody.
    pub attention_count: i64,
    /// What the caller may do with it.
    pub permissions: SitePermissions,
}

/// What the caller may do with a site.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SitePermissions {
    /// Rename it.
    pub edit: Permission,
    /// Delete it.
    pub delete: Permission,
}

/// Where a page of organizations follows on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OrganizationKey {
    /// The name as it sorts.
    pub name: String,
    /// The row.
    pub id: Uuid,
}

/// Where a page of sites follows on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SiteKey {
    /// The organization's name as it sorts.
    pub organization: String,
    /// The site's name as it sorts.
    pub name: String,
    /// The row.
    pub id: Uuid,
}
