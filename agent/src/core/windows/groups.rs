//! The machine's own groups.

use gururmm_protocol::inventory::LocalGroup;

use super::problems::grouped;
use super::users::account;
use crate::core::inventory::Looked;

/// A group as `NetLocalGroupEnum` and `NetLocalGroupGetMembers` tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawGroup {
    /// Its name, in the system's language.
    pub name: String,
    /// Its SID.
    pub sid: Option<String>,
    /// Its members, or why they cannot be read.
    pub members: Result<Vec<Member>, String>,
}

/// A member of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member {
    /// `DOMAIN\name`; none for an account that is gone, or whose domain does not answer.
    pub name: Option<String>,
    /// Its SID.
    pub sid: String,
}

/// The groups by name. A domain controller has no groups of its own, but answers with all of its domain's, of which only
/// the built-in ones rule the machine.
#[must_use]
pub fn groups(mut raw: Vec<RawGroup>, computer: &str, domain_controller: bool) -> Looked<Vec<LocalGroup>> {
    let built_in = |group: &RawGroup| group.sid.as_deref().is_some_and(|sid| sid.starts_with("S-1-5-32-"));
    raw.retain(|group| !domain_controller || built_in(group));
    let unread = raw.iter().filter_map(|raw| Some((raw.name.clone(), raw.members.clone().err()?))).collect();
    let mut groups: Vec<_> = raw
        .into_iter()
        .map(|group| {
            let members = group.members.unwrap_or_default();
            let mut members: Vec<_> = members.into_iter().map(|member| member.text(computer)).collect();
            members.sort_unstable();
            LocalGroup { name: group.name, id: group.sid, members }
        })
        .collect();
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    Looked { content: groups, problems: grouped("members", unread) }
}

impl Member {
    fn text(self, computer: &str) -> String {
        match self.name.as_deref().map(|name| name.split_once('\\').unwrap_or(("", name))) {
            Some((domain, name)) if !name.is_empty() => account(domain, name, computer),
            _ => self.sid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: Option<&str>, sid: &str) -> Member {
        Member { name: name.map(str::to_owned), sid: sid.to_owned() }
    }

    fn raw() -> Vec<RawGroup> {
        vec![
            RawGroup {
                name: "Sales".into(),
                sid: Some("S-1-5-21-1-2-3-1105".into()),
                members: Err("access denied".into()),
            },
            RawGroup {
                name: "Administratoren".into(),
                sid: Some("S-1-5-32-544".into()),
                members: Ok(vec![
                    member(Some(r"PC7\Administrator"), "S-1-5-21-1-2-3-500"),
                    member(None, "S-1-5-21-9-9-9-1104"),
                    member(Some(r"CONTOSO\Domain Admins"), "S-1-5-21-4-5-6-512"),
                    member(Some(""), "S-1-12-1-7"),
                ]),
            },
        ]
    }

    #[test]
    fn members_have_names_or_sids() {
        let looked = groups(raw(), "PC7", false);
        assert_eq!(looked.problems, ["members of Sales: access denied"]);
        let groups = looked.content;
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].name.as_str(), groups[0].id.as_deref()), ("Administratoren", Some("S-1-5-32-544")));
        assert_eq!(groups[0].members, ["Administrator", r"CONTOSO\Domain Admins", "S-1-12-1-7", "S-1-5-21-9-9-9-1104"]);
    }

    #[test]
    fn of_a_domain_controller_only_the_built_in_ones() {
        let groups = groups(raw(), "DC1", true).content;
        assert_eq!(groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["Administratoren"]);
    }
}
