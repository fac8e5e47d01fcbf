//! Saved views: how somebody wants a page to look, for themselves or for others too.
//!
//! A view is nothing but what the page's address would say, under a name. Whoever opens one sees what their own scope shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::authz::{Audience, Permission};
use crate::core::page::Page;
use crate::core::{Error, FieldError, Result};

pub mod routes;
pub mod service;
pub(crate) mod store;

/// Most views of one owner.
pub const MAX_VIEWS: i64 = 100;
/// Most parameters of one view, and most columns.
const MAX_PARAMETERS: usize = 30;
const MAX_COLUMNS: usize = 50;
/// Longest name of a parameter or of a column, and longest value, in characters.
const MAX_NAME: usize = 40;
const MAX_VALUE: usize = 500;

/// A page that has views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ViewPage {
    /// Agents.
    Agents,
    /// Commands.
    Commands,
    /// The audit log.
    Audit,
    /// Software.
    Software,
    /// Organizations.
    Organizations,
}

/// Who else has a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Sharing {
    /// Only its owner.
    Nobody,
    /// Whoever belongs to one organization, and admins.
    Organization,
    /// All users.
    Everyone,
}

/// A saved view.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct View {
    /// Id.
    pub id: Uuid,
    /// The page it is of.
    pub page: ViewPage,
    /// Its name, unique among its owner's views of the page.
    pub name: String,
    /// Parameters of the page's address. Those that the page does not know are to be ignored, and said.
    pub query: BTreeMap<String, String>,
    /// Columns in their order; empty: the page's own choice.
    pub columns: Vec<String>,
    /// Who else has it.
    pub shared: Sharing,
    /// The organization it is shared with.
    pub organization_id: Option<Uuid>,
    /// Whose it is.
    pub owner_name: String,
    /// It is the caller's.
    pub mine: bool,
    /// What the caller may do with it.
    pub permissions: ViewPermissions,
}

/// What the caller may do with a view.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ViewPermissions {
    /// Change or delete it.
    pub edit: Permission,
}

/// Views, with what the caller may do with new ones.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ViewListing {
    /// The page of the list.
    #[serde(flatten)]
    pub page: Page<View>,
    /// What the caller may do.
    pub permissions: ViewListPermissions,
}

/// With whom the caller may share.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ViewListPermissions {
    /// With an organization: any, or at least one.
    pub share_organization: Permission,
    /// With everyone.
    pub share_everyone: Permission,
}

/// A view to be saved.
#[derive(Debug, Clone)]
pub struct NewView {
    /// The page it is of.
    pub page: ViewPage,
    /// Its name.
    pub name: String,
    /// Parameters of the page's address.
    pub query: BTreeMap<String, String>,
    /// Columns in their order.
    pub columns: Vec<String>,
    /// Who else has it.
    pub audience: Audience,
}

/// Where a page of views follows on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ViewKey {
    /// The name as it sorts.
    pub name: String,
    /// The view.
    pub id: Uuid,
}

/// With whom a view is to be shared, of what a caller says.
///
/// # Errors
/// 422 naming `organization_id` when it is missing or says nothing.
pub fn audience(shared: Sharing, organization_id: Option<Uuid>) -> Result<Audience> {
    match (shared, organization_id) {
        (Sharing::Nobody, None) => Ok(Audience::Nobody),
        (Sharing::Everyone, None) => Ok(Audience::Everyone),
        (Sharing::Organization, Some(id)) => Ok(Audience::Organization(id)),
        (Sharing::Organization, None) => {
            Err(Error::invalid("organization_id", "must be the organization to share with"))
        }
        (_, Some(_)) => Err(Error::invalid("organization_id", "goes only with `shared`: \"organization\"")),
    }
}

/// What is wrong with the parameters of a view.
#[must_use]
pub fn query_errors(query: &BTreeMap<String, String>) -> Vec<FieldError> {
    let error = |message| vec![FieldError { field: "query".into(), message }];
    if query.len() > MAX_PARAMETERS {
        return error(format!("must be at most {MAX_PARAMETERS} parameters"));
    }
    if !query.keys().all(|name| is_name(name)) {
        return error(format!("names must be 1 to {MAX_NAME} characters, without control characters"));
    }
    match query.iter().find(|(_, value)| value.chars().count() > MAX_VALUE || value.chars().any(char::is_control)) {
        Some((name, _)) => error(format!("{name} must be at most {MAX_VALUE} characters, without control characters")),
        None => Vec::new(),
    }
}

/// What is wrong with the columns of a view.
#[must_use]
pub fn column_errors(columns: &[String]) -> Vec<FieldError> {
    let twice = (1..columns.len()).any(|place| columns[..place].contains(&columns[place]));
    if columns.len() <= MAX_COLUMNS && columns.iter().all(|name| is_name(name)) && !twice {
        return Vec::new();
    }
    let message = format!("must be at most {MAX_COLUMNS} different names of 1 to {MAX_NAME} characters");
    vec![FieldError { field: "columns".into(), message }]
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(rows: &[(&str, &str)]) -> BTreeMap<String, String> {
        rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_a_view_holds_is_bounded() {
        assert!(query_errors(&query(&[("q", ""), ("ä", &"ä".repeat(500))])).is_empty());
        let many: BTreeMap<_, _> = (0..31).map(|n| (n.to_string(), String::new())).collect();
        let long = "x".repeat(41);
        for bad in
            [query(&[("", "")]), query(&[(&long, "")]), query(&[("q", &"x".repeat(501))]), query(&[("q", "\0")]), many]
        {
            assert_eq!(query_errors(&bad).len(), 1, "{bad:?}");
        }
        let columns =
            |names: &[&str]| column_errors(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).len();
        assert_eq!(columns(&["name", "site"]), 0);
        assert_eq!((columns(&["a", "b", "a"]), columns(&[""]), columns(&[&long]), columns(&["a\nb"])), (1, 1, 1, 1));
        assert_eq!(column_errors(&(0..51).map(|n| n.to_string()).collect::<Vec<_>>()).len(), 1);
    }

    #[test]
    fn an_organization_is_named_when_it_is_shared_with_and_only_then() {
        let id = Uuid::from_u128(1);
        assert_eq!(audience(Sharing::Organization, Some(id)).unwrap(), Audience::Organization(id));
        assert_eq!(audience(Sharing::Nobody, None).unwrap(), Audience::Nobody);
        for (shared, organization) in
            [(Sharing::Organization, None), (Sharing::Nobody, Some(id)), (Sharing::Everyone, Some(id))]
        {
            assert_eq!(audience(shared, organization).unwrap_err().code(), "invalid");
        }
    }
}
