//! Who may do what. The only place that knows roles: a pure function of actor, action and resource.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::core::{Error, Result};

mod permission;

pub use permission::{ListPermissions, Listing, Permission};

/// Role in the whole installation (design: `dev_admin` > `admin` > `user`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GlobalRole {
    /// Works only in the organizations they belong to.
    User,
    /// Works in every organization.
    Admin,
    /// Owns the installation.
    DevAdmin,
}

/// Role within one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrgRole {
    /// Looks, and changes nothing.
    Viewer,
    /// Works on machines.
    Technician,
    /// Also manages the organization itself.
    OrgAdmin,
}

macro_rules! role_text {
    ($role:ident { $($variant:ident => $text:literal),+ }) => {
        impl $role {
            /// The role as the database and the API write it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::str::FromStr for $role {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(Error::internal(format!("unknown role {text:?}"))),
                }
            }
        }
    };
}

role_text!(GlobalRole { User => "user", Admin => "admin", DevAdmin => "dev_admin" });
role_text!(OrgRole { Viewer => "viewer", Technician => "technician", OrgAdmin => "org_admin" });

/// A signed-in person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserActor {
    /// The user.
    pub id: Uuid,
    /// For the audit log.
    pub email: String,
    /// Role in the installation.
    pub role: GlobalRole,
    /// Roles in organizations; empty for the global roles above `user`.
    pub memberships: Vec<(Uuid, OrgRole)>,
    /// The session that the access token names.
    pub session_id: Uuid,
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Nobody yet: before login.
    Anonymous,
    /// A person.
    User(UserActor),
    /// A machine, known by its key.
    Agent {
        /// The agent.
        id: Uuid,
        /// Its name, for the audit log.
        name: String,
    },
    /// The person at the server's own command line.
    Operator,
    /// The server by itself, with the name of the part that acts.
    System(&'static str),
}

/// What is done. Few and uniform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Look at it.
    View,
    /// Make one within it.
    Create,
    /// Change it.
    Edit,
    /// Remove it.
    Delete,
    /// Make a machine act.
    Command,
    /// Show others what is one's own.
    Share,
}

/// Who else has what somebody owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Nobody.
    Nobody,
    /// Whoever belongs to the organization.
    Organization(Uuid),
    /// All users.
    Everyone,
}

/// What it is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// The installation: settings, every organization's list.
    Installation,
    /// An organization.
    Organization(Uuid),
    /// The sites of an organization.
    Site(Uuid),
    /// The enrollment tokens of an organization.
    EnrollmentToken(Uuid),
    /// An agent of an organization.
    Agent {
        /// Its organization.
        organization: Uuid,
        /// It runs on the server's own host: whoever commands it owns the keys.
        server_host: bool,
    },
    /// The audit log of an organization.
    Audit(Uuid),
    /// A saved view.
    SavedView {
        /// Whose it is.
        owner: Uuid,
        /// Who else has it.
        audience: Audience,
    },
}

/// What [`decide`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// It exists and may be seen, but this is not permitted; with the reason in words.
    Forbid(&'static str),
    /// For this actor it does not exist.
    Hide,
}

/// The rule book.
#[must_use]
pub fn decide(actor: &Actor, action: Action, resource: Resource) -> Decision {
    let user = match actor {
        Actor::User(user) => user,
        Actor::System(_) | Actor::Operator => return Decision::Allow,
        Actor::Anonymous | Actor::Agent { .. } => return Decision::Hide,
    };
    if let Resource::SavedView { owner, audience } = resource {
        return decide_view(user, action, owner, audience);
    }
    if let Resource::Agent { server_host: true, .. } = resource
        && action != Action::View
        && user.role != GlobalRole::DevAdmin
    {
        return match role_in(user, resource) {
            None => Decision::Hide,
            Some(_) => Decision::Forbid("this agent runs on the server's own host: only a dev_admin may act on it"),
        };
    }
    if user.role >= GlobalRole::Admin {
        return Decision::Allow;
    }
    let Some(role) = role_in(user, resource) else {
        return match resource {
            Resource::Installation => Decision::Forbid("only an admin may do this"),
            _ => Decision::Hide,
        };
    };
    let needed = match (resource, action) {
        (Resource::Audit(_), _) => OrgRole::OrgAdmin,
        (Resource::EnrollmentToken(_), _) => OrgRole::Technician,
        (_, Action::View) => OrgRole::Viewer,
        (Resource::Organization(_), Action::Share) => OrgRole::Technician,
        (Resource::Organization(_), _) => {
            return Decision::Forbid("only an admin may change organizations");
        }
        (Resource::Site(_), _) => OrgRole::OrgAdmin,
        (Resource::Agent { .. }, _) => OrgRole::Technician,
        (Resource::Installation | Resource::SavedView { .. }, _) => {
            return Decision::Forbid("only an admin may do this");
        }
    };
    if role >= needed {
        Decision::Allow
    } else {
        Decision::Forbid(match needed {
            OrgRole::OrgAdmin => "this needs the role org_admin in the organization",
            OrgRole::Technician => "this needs the role technician in the organization",
            OrgRole::Viewer => "this needs a role in the organization",
        })
    }
}

/// What somebody saved is theirs: not even an admin sees it before it is shared. Who has it may look at it, an admin may also
/// put it right.
fn decide_view(user: &UserActor, action: Action, owner: Uuid, audience: Audience) -> Decision {
    let admin = user.role >= GlobalRole::Admin;
    let has_it = match audience {
        Audience::Nobody => false,
        Audience::Organization(id) => role_in(user, Resource::Organization(id)).is_some(),
        Audience::Everyone => true,
    };
    match action {
        _ if user.id == owner => Decision::Allow,
        _ if !has_it => Decision::Hide,
        Action::View => Decision::Allow,
        _ if admin => Decision::Allow,
        _ => Decision::Forbid("only its owner or an admin may do this"),
    }
}

fn role_in(user: &UserActor, resource: Resource) -> Option<OrgRole> {
    let organization = match resource {
        Resource::Installation | Resource::SavedView { .. } => return None,
        Resource::Organization(id)
        | Resource::Site(id)
        | Resource::EnrollmentToken(id)
        | Resource::Audit(id)
        | Resource::Agent { organization: id, .. } => id,
    };
    if user.role >= GlobalRole::Admin {
        return Some(OrgRole::OrgAdmin);
    }
    user.memberships.iter().find(|(id, _)| *id == organization).map(|(_, role)| *role)
}

/// Turns a decision into an answer: 403 with the reason, or 404 for `what`.
///
/// # Errors
/// Forbidden or not found.
pub fn require(actor: &Actor, action: Action, resource: Resource, what: &'static str) -> Result<()> {
    match decide(actor, action, resource) {
        Decision::Allow => Ok(()),
        Decision::Forbid(reason) => Err(Error::forbidden("forbidden", reason)),
        Decision::Hide => Err(Error::NotFound(what)),
    }
}

/// Which organizations' rows an actor may see at all. Stores take it in every query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope(Option<Vec<Uuid>>);

impl Actor {
    /// Kind (as the audit log writes it), id and name: what outlives the actor in other rows.
    #[must_use]
    pub fn record(&self) -> (&'static str, Option<Uuid>, &str) {
        match self {
            Self::User(user) => ("user", Some(user.id), &user.email),
            Self::Agent { id, name } => ("agent", Some(*id), name),
            Self::Operator => ("operator", None, "command line"),
            Self::System(part) => ("system", None, part),
            Self::Anonymous => ("system", None, "anonymous"),
        }
    }
}

impl Scope {
    /// Of rows that anybody in the organization may see.
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        Self::with_role(actor, OrgRole::Viewer)
    }

    /// Of audit rows.
    ///
    /// # Errors
    /// 403 when the actor may see those of no organization.
    pub fn of_audit(actor: &Actor) -> Result<Self> {
        Self::with_role(actor, OrgRole::OrgAdmin).not_empty("this needs the role org_admin in an organization")
    }

    /// Of enrollment tokens.
    ///
    /// # Errors
    /// 403 when the actor may see those of no organization.
    pub fn of_enrollment_tokens(actor: &Actor) -> Result<Self> {
        Self::with_role(actor, OrgRole::Technician).not_empty("this needs the role technician in an organization")
    }

    fn not_empty(self, reason: &'static str) -> Result<Self> {
        if self.0.as_ref().is_some_and(Vec::is_empty) { Err(Error::forbidden("forbidden", reason)) } else { Ok(self) }
    }

    fn with_role(actor: &Actor, needed: OrgRole) -> Self {
        match actor {
            Actor::System(_) | Actor::Operator => Self(None),
            Actor::User(user) if user.role >= GlobalRole::Admin => Self(None),
            Actor::User(user) => {
                Self(Some(user.memberships.iter().filter(|(_, role)| *role >= needed).map(|(id, _)| *id).collect()))
            }
            Actor::Anonymous | Actor::Agent { .. } => Self(Some(Vec::new())),
        }
    }

    /// For SQL: null means every organization.
    #[must_use]
    pub fn organizations(&self) -> Option<&[Uuid]> {
        self.0.as_deref()
    }

    /// Whether rows of this organization are visible.
    #[must_use]
    pub fn contains(&self, organization: Uuid) -> bool {
        self.0.as_ref().is_none_or(|ids| ids.contains(&organization))
    }

    /// Whether every organization is visible.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.0.is_none()
    }
}

#[cfg(test)]
mod tests;
