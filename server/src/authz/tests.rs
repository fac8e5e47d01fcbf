//! The whole table of roles, actions and resources: a change of the rules shows as a change of this text.

use std::fmt::Write as _;

use super::*;

const OURS: Uuid = Uuid::from_u128(1);
const THEIRS: Uuid = Uuid::from_u128(2);
/// Each user of the table in turn.
const ACTOR: Uuid = Uuid::from_u128(9);

fn view(owner: Uuid, audience: Audience) -> Resource {
    Resource::SavedView { owner, audience }
}

fn user(role: GlobalRole, memberships: &[(Uuid, OrgRole)]) -> Actor {
    Actor::User(UserActor {
        id: ACTOR,
        email: "a@example.com".into(),
        role,
        memberships: memberships.to_vec(),
        session_id: Uuid::from_u128(10),
    })
}

const TABLE: &str = "\
what and action        dev_admin admin  org_admin technician viewer outsider anonymous agent
installation view      allow     allow  forbid    forbid     forbid forbid   hide      hide
installation create    allow     allow  forbid    forbid     forbid forbid   hide      hide
installation edit      allow     allow  forbid    forbid     forbid forbid   hide      hide
installation delete    allow     allow  forbid    forbid     forbid forbid   hide      hide
installation command   allow     allow  forbid    forbid     forbid forbid   hide      hide
installation share     allow     allow  forbid    forbid     forbid forbid   hide      hide
organization view      allow     allow  allow     allow      allow  hide     hide      hide
organization create    allow     allow  forbid    forbid     forbid hide     hide      hide
organization edit      allow     allow  forbid    forbid     forbid hide     hide      hide
organization delete    allow     allow  forbid    forbid     forbid hide     hide      hide
organization command   allow     allow  forbid    forbid     forbid hide     hide      hide
organization share     allow     allow  allow     allow      forbid hide     hide      hide
site view              allow     allow  allow     allow      allow  hide     hide      hide
site create            allow     allow  allow     forbid     forbid hide     hide      hide
site edit              allow     allow  allow     forbid     forbid hide     hide      hide
site delete            allow     allow  allow     forbid     forbid hide     hide      hide
site command           allow     allow  allow     forbid     forbid hide     hide      hide
site share             allow     allow  allow     forbid     forbid hide     hide      hide
token view             allow     allow  allow     allow      forbid hide     hide      hide
token create           allow     allow  allow     allow      forbid hide     hide      hide
token edit             allow     allow  allow     allow      forbid hide     hide      hide
token delete           allow     allow  allow     allow      forbid hide     hide      hide
token command          allow     allow  allow     allow      forbid hide     hide      hide
token share            allow     allow  allow     allow      forbid hide     hide      hide
agent view             allow     allow  allow     allow      allow  hide     hide      hide
agent create           allow     allow  allow     allow      forbid hide     hide      hide
agent edit             allow     allow  allow     allow      forbid hide     hide      hide
agent delete           allow     allow  allow     allow      forbid hide     hide      hide
agent command          allow     allow  allow     allow      forbid hide     hide      hide
agent share            allow     allow  allow     allow      forbid hide     hide      hide
server-host view       allow     allow  allow     allow      allow  hide     hide      hide
server-host create     allow     forbid forbid    forbid     forbid hide     hide      hide
server-host edit       allow     forbid forbid    forbid     forbid hide     hide      hide
server-host delete     allow     forbid forbid    forbid     forbid hide     hide      hide
server-host command    allow     forbid forbid    forbid     forbid hide     hide      hide
server-host share      allow     forbid forbid    forbid     forbid hide     hide      hide
audit view             allow     allow  allow     forbid     forbid hide     hide      hide
audit create           allow     allow  allow     forbid     forbid hide     hide      hide
audit edit             allow     allow  allow     forbid     forbid hide     hide      hide
audit delete           allow     allow  allow     forbid     forbid hide     hide      hide
audit command          allow     allow  allow     forbid     forbid hide     hide      hide
audit share            allow     allow  allow     forbid     forbid hide     hide      hide
own-view view          allow     allow  allow     allow      allow  allow    hide      hide
own-view create        allow     allow  allow     allow      allow  allow    hide      hide
own-view edit          allow     allow  allow     allow      allow  allow    hide      hide
own-view delete        allow     allow  allow     allow      allow  allow    hide      hide
own-view command       allow     allow  allow     allow      allow  allow    hide      hide
own-view share         allow     allow  allow     allow      allow  allow    hide      hide
private-view view      hide      hide   hide      hide       hide   hide     hide      hide
private-view create    hide      hide   hide      hide       hide   hide     hide      hide
private-view edit      hide      hide   hide      hide       hide   hide     hide      hide
private-view delete    hide      hide   hide      hide       hide   hide     hide      hide
private-view command   hide      hide   hide      hide       hide   hide     hide      hide
private-view share     hide      hide   hide      hide       hide   hide     hide      hide
org-view view          allow     allow  allow     allow      allow  hide     hide      hide
org-view create        allow     allow  forbid    forbid     forbid hide     hide      hide
org-view edit          allow     allow  forbid    forbid     forbid hide     hide      hide
org-view delete        allow     allow  forbid    forbid     forbid hide     hide      hide
org-view command       allow     allow  forbid    forbid     forbid hide     hide      hide
org-view share         allow     allow  forbid    forbid     forbid hide     hide      hide
public-view view       allow     allow  allow     allow      allow  allow    hide      hide
public-view create     allow     allow  forbid    forbid     forbid forbid   hide      hide
public-view edit       allow     allow  forbid    forbid     forbid forbid   hide      hide
public-view delete     allow     allow  forbid    forbid     forbid forbid   hide      hide
public-view command    allow     allow  forbid    forbid     forbid forbid   hide      hide
public-view share      allow     allow  forbid    forbid     forbid forbid   hide      hide
";

#[test]
fn the_table_of_roles_is_as_agreed() {
    let actors = [
        ("dev_admin", user(GlobalRole::DevAdmin, &[])),
        ("admin", user(GlobalRole::Admin, &[])),
        ("org_admin", user(GlobalRole::User, &[(OURS, OrgRole::OrgAdmin)])),
        ("technician", user(GlobalRole::User, &[(OURS, OrgRole::Technician)])),
        ("viewer", user(GlobalRole::User, &[(OURS, OrgRole::Viewer)])),
        ("outsider", user(GlobalRole::User, &[(THEIRS, OrgRole::OrgAdmin)])),
        ("anonymous", Actor::Anonymous),
        ("agent", Actor::Agent { id: OURS, name: "a".into() }),
    ];
    let resources = [
        ("installation", Resource::Installation),
        ("organization", Resource::Organization(OURS)),
        ("site", Resource::Site(OURS)),
        ("token", Resource::EnrollmentToken(OURS)),
        ("agent", Resource::Agent { organization: OURS, server_host: false }),
        ("server-host", Resource::Agent { organization: OURS, server_host: true }),
        ("audit", Resource::Audit(OURS)),
        ("own-view", view(ACTOR, Audience::Nobody)),
        ("private-view", view(THEIRS, Audience::Nobody)),
        ("org-view", view(THEIRS, Audience::Organization(OURS))),
        ("public-view", view(THEIRS, Audience::Everyone)),
    ];
    let actions = [
        ("view", Action::View),
        ("create", Action::Create),
        ("edit", Action::Edit),
        ("delete", Action::Delete),
        ("command", Action::Command),
        ("share", Action::Share),
    ];
    let widths: Vec<usize> = actors.iter().map(|(name, _)| name.len().max(6)).collect();
    let mut table = format!("{:22}", "what and action");
    for ((name, _), width) in actors.iter().zip(&widths) {
        let _ = write!(table, " {name:width$}");
    }
    table = format!("{}\n", table.trim_end());
    for (what, resource) in resources {
        for (verb, action) in actions {
            let mut row = format!("{:22}", format!("{what} {verb}"));
            for ((_, actor), width) in actors.iter().zip(&widths) {
                let word = match decide(actor, action, resource) {
                    Decision::Allow => "allow",
                    Decision::Forbid(_) => "forbid",
                    Decision::Hide => "hide",
                };
                let _ = write!(row, " {word:width$}");
            }
            let _ = writeln!(table, "{}", row.trim_end());
        }
    }
    assert_eq!(table, TABLE, "\n{table}");
}

#[test]
fn scopes_follow_memberships() {
    let viewer = user(GlobalRole::User, &[(OURS, OrgRole::Viewer)]);
    assert_eq!(Scope::of(&viewer).organizations(), Some([OURS].as_slice()));
    assert_eq!(Scope::of_audit(&viewer).unwrap_err().code(), "forbidden");
    assert_eq!(Scope::of_enrollment_tokens(&viewer).unwrap_err().code(), "forbidden");
    let mixed = user(GlobalRole::User, &[(OURS, OrgRole::Technician), (THEIRS, OrgRole::Viewer)]);
    assert_eq!(Scope::of_enrollment_tokens(&mixed).unwrap().organizations(), Some([OURS].as_slice()));
    assert!(!Scope::of(&viewer).contains(THEIRS));
    assert!(Scope::of(&user(GlobalRole::Admin, &[])).is_everything());
    assert_eq!(Scope::of(&Actor::Anonymous).organizations(), Some([].as_slice()));
    assert_eq!(Scope::of(&Actor::Agent { id: OURS, name: "a".into() }).organizations(), Some([].as_slice()));
}
