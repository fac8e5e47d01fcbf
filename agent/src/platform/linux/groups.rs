//! The machine's own groups.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use gururmm_protocol::inventory::LocalGroup;

use super::read_text;
use crate::core::inventory::{Look, Looked};

const GROUP: &str = "/etc/group";
const PASSWD: &str = "/etc/passwd";
/// A machine with ten thousand accounts of its own needs half of it.
const MAX_FILE: u64 = 2 * 1024 * 1024;

/// The groups in `/etc/group` with their members, and with those whose first group it is (`/etc/passwd`).
///
/// # Errors
/// When the groups cannot be read.
pub fn local_groups() -> anyhow::Result<Option<Looked<Vec<LocalGroup>>>> {
    look().map(Some)
}

fn look() -> Look<Vec<LocalGroup>> {
    let groups = read_text(GROUP, MAX_FILE).context(GROUP)?;
    let (passwd, problems) = match read_text(PASSWD, MAX_FILE) {
        Ok(passwd) => (passwd, Vec::new()),
        Err(error) => (String::new(), vec![format!("whose first group it is: {PASSWD}: {error}")]),
    };
    Ok(Looked { content: parse(&groups, &passwd), problems })
}

/// The formats of group(5) and passwd(5).
fn parse(groups: &str, passwd: &str) -> Vec<LocalGroup> {
    let mut first: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in passwd.lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(gid)) = (fields.next(), fields.nth(2)) {
            first.entry(gid).or_default().push(name);
        }
    }
    let group = |line: &str| {
        let mut fields = line.split(':');
        let (name, gid, members) = (fields.next()?, fields.nth(1)?, fields.next()?);
        // `+` includes the groups of a network service.
        if name.is_empty() || name.starts_with(['+', '-', '#']) {
            return None;
        }
        let listed = members.split(',').map(str::trim).filter(|member| !member.is_empty());
        let members: BTreeSet<_> = listed.chain(first.get(gid).into_iter().flatten().copied()).collect();
        Some(LocalGroup {
            name: name.to_owned(),
            id: Some(gid.to_owned()),
            members: members.into_iter().map(str::to_owned).collect(),
        })
    };
    let mut groups: Vec<_> = groups.lines().filter_map(group).collect();
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_those_listed_and_those_whose_first_group_it_is() {
        let groups = "root:x:0:\nsudo:x:27:bob, alice,\nalice:x:1000:\n+::::\n# comment\nbroken\n";
        let passwd = "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/sh\ncarol:x:1001:27:::\n";
        let parsed: Vec<_> = parse(groups, passwd).into_iter().map(|g| (g.name, g.id, g.members)).collect();
        let group = |name: &str, id: &str, members: &[&str]| {
            (name.to_owned(), Some(id.to_owned()), members.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let expected = [
            group("alice", "1000", &["alice"]),
            group("root", "0", &["root"]),
            group("sudo", "27", &["alice", "bob", "carol"]),
        ];
        assert_eq!(parsed, expected);
    }
}
