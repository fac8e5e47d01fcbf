//! Whether a directory that is already there can be trusted to keep secrets and to hold nobody else's files.
//!
//! `C:\ProgramData` lets every user create directories and files. A user who makes the agent's directory before the agent
//! does owns it, and could put a configuration into it that names another server, whose commands would then run as
//! SYSTEM.

/// Who owns a directory and who may do what with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The owner's account (a SID as text).
    pub owner: String,
    /// What the access list allows; none when there is no list, which lets everybody do everything.
    pub grants: Option<Vec<Grant>>,
}

/// What the access list allows somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The account (a SID as text).
    pub who: String,
    /// Whether it may change something, or only read.
    pub write: bool,
    /// Whether it is meant for what will be created inside, and not for the directory itself.
    pub inside_only: bool,
}

/// SYSTEM.
const SYSTEM: &str = "S-1-5-18";
/// The group of administrators.
const ADMINISTRATORS: &str = "S-1-5-32-544";
/// The installer of Windows itself.
const TRUSTED_INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
/// Whoever owns the thing (the owner is judged by itself).
const OWNER_RIGHTS: &str = "S-1-3-4";

/// Whoever will create something, and their group.
const CREATORS: [&str; 2] = ["S-1-3-0", "S-1-3-1"];

/// What is to be done with a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody else can read or change anything in it.
    Private,
    /// Nobody else can have put anything into it; its access list is to be narrowed.
    Narrow,
    /// Nobody has put anything into it, but others may; it is to be removed and made anew. Who has it open could still make
    /// it a link after it was narrowed.
    Replace,
    /// Somebody else made it or could put files into it.
    Refuse(String),
}

/// Who this process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// Its account (a SID as text).
    pub user: String,
    /// Whether it has an administrator's rights.
    pub administrator: bool,
}

/// Judges a directory. The own account counts as trusted even in an administrator's elevated prompt, since Windows does
/// not protect an administrator's rights from their own other programs; but SYSTEM will not trust it, so that it is taken
/// out there.
#[must_use]
pub fn judge(access: &Access, me: &Me, is_empty: bool) -> Verdict {
    if !is_trusted(&access.owner, me) {
        return Verdict::Refuse(format!("it belongs to the account {}", access.owner));
    }
    let Some(grants) = &access.grants else {
        return if is_empty { Verdict::Replace } else { Verdict::Refuse("everybody may write to it".to_owned()) };
    };
    let others = others(grants, me);
    match others.iter().find(|grant| grant.write) {
        Some(_) if is_empty => Verdict::Replace,
        Some(writer) => Verdict::Refuse(format!("the account {} may write to it", writer.who)),
        _ if !others.is_empty() => Verdict::Narrow,
        _ if me.administrator && !is_of_system(&access.owner) => Verdict::Narrow,
        _ => Verdict::Private,
    }
}

/// The accounts that the access list lets in besides the trusted ones (SIDs as text); none when there is no list.
#[must_use]
pub fn strangers<'a>(access: &'a Access, me: &Me) -> Option<Vec<&'a str>> {
    let grants = access.grants.as_deref()?;
    Some(others(grants, me).into_iter().map(|grant| grant.who.as_str()).collect())
}

fn others<'a>(grants: &'a [Grant], me: &Me) -> Vec<&'a Grant> {
    // Who creates something inside owns it: they are named by themselves.
    let is_creator = |grant: &Grant| grant.inside_only && CREATORS.contains(&grant.who.as_str());
    let is_other = |grant: &&Grant| !is_trusted(&grant.who, me) && grant.who != OWNER_RIGHTS && !is_creator(grant);
    grants.iter().filter(is_other).collect()
}

fn is_trusted(who: &str, me: &Me) -> bool {
    is_of_system(who) || who == me.user
}

fn is_of_system(who: &str) -> bool {
    [SYSTEM, ADMINISTRATORS, TRUSTED_INSTALLER].contains(&who)
}

/// The access list (SDDL) of the agent's directories: everything for SYSTEM and administrators, nothing for others, the
/// same for what is created inside. An agent that is run without an administrator's rights keeps its own access.
#[must_use]
pub fn private_list(me: &Me) -> String {
    let (owner, own) =
        if me.administrator { ("O:BA", String::new()) } else { ("", format!("(A;OICI;FA;;;{})", me.user)) };
    format!("{owner}D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA){own}")
}

/// The access list (SDDL) of a pipe: for SYSTEM, administrators, and the account of this process.
#[must_use]
pub fn pipe_list(me: &Me) -> String {
    format!("D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;{})", me.user)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "S-1-5-32-545";
    const MALLORY: &str = "S-1-5-21-1-2-3-1013";
    const ADA: &str = "S-1-5-21-1-2-3-500";

    fn access(owner: &str, grants: &[(&str, bool)]) -> Access {
        let grant = |(who, write): &(&str, bool)| Grant { who: (*who).to_owned(), write: *write, inside_only: false };
        let grants = grants.iter().map(grant).collect();
        Access { owner: owner.to_owned(), grants: Some(grants) }
    }

    fn me(user: &str) -> Me {
        Me { user: user.to_owned(), administrator: true }
    }

    #[test]
    fn the_agents_own_directory_is_private() {
        let own = access(ADMINISTRATORS, &[(SYSTEM, true), (ADMINISTRATORS, true)]);
        assert_eq!(judge(&own, &me(SYSTEM), false), Verdict::Private);
    }

    #[test]
    fn a_directory_that_a_user_made_is_refused_even_when_empty() {
        let planted = access(MALLORY, &[(SYSTEM, true), (ADMINISTRATORS, true)]);
        assert!(matches!(judge(&planted, &me(SYSTEM), true), Verdict::Refuse(why) if why.contains(MALLORY)));
    }

    #[test]
    fn a_directory_that_users_can_write_to_is_made_anew_and_only_while_it_is_empty() {
        // As an administrator's `mkdir` below C:\ProgramData makes it.
        let made = access(ADMINISTRATORS, &[(SYSTEM, true), (ADMINISTRATORS, true), (USERS, false), (USERS, true)]);
        assert_eq!(judge(&made, &me(SYSTEM), true), Verdict::Replace);
        assert!(matches!(judge(&made, &me(SYSTEM), false), Verdict::Refuse(why) if why.contains(USERS)));
        let nobody_asked = Access { owner: SYSTEM.to_owned(), grants: None };
        assert_eq!(judge(&nobody_asked, &me(SYSTEM), true), Verdict::Replace);
        assert!(matches!(judge(&nobody_asked, &me(SYSTEM), false), Verdict::Refuse(_)));
    }

    #[test]
    fn who_may_change_what_will_be_inside_counts_as_well() {
        let inside = |who: &str| {
            let mut access = access(ADMINISTRATORS, &[(SYSTEM, true), (who, true)]);
            access.grants.as_mut().unwrap()[1].inside_only = true;
            judge(&access, &me(SYSTEM), false)
        };
        assert!(matches!(inside(USERS), Verdict::Refuse(why) if why.contains(USERS)));
        for creator in CREATORS {
            assert_eq!(inside(creator), Verdict::Private);
        }
    }

    #[test]
    fn who_can_only_read_is_shut_out() {
        let readable = access(ADMINISTRATORS, &[(SYSTEM, true), (USERS, false)]);
        assert_eq!(judge(&readable, &me(SYSTEM), false), Verdict::Narrow);
    }

    #[test]
    fn an_administrators_own_directory_is_handed_to_the_administrators() {
        let own = access(ADA, &[(ADA, true), (SYSTEM, true)]);
        assert_eq!(judge(&own, &me(ADA), false), Verdict::Narrow);
        assert!(matches!(judge(&own, &me(SYSTEM), false), Verdict::Refuse(_)));
        assert_eq!(strangers(&own, &me(ADA)), Some(vec![]), "narrowing changes its owner only");
        assert_eq!(strangers(&access(ADA, &[(USERS, false), (ADA, true)]), &me(ADA)), Some(vec![USERS]));
        assert_eq!(strangers(&Access { grants: None, ..own.clone() }, &me(ADA)), None);
        let without_rights = Me { user: ADA.to_owned(), administrator: false };
        assert_eq!(judge(&own, &without_rights, false), Verdict::Private);
        assert_eq!(private_list(&without_rights), format!("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;{ADA})"));
        assert_eq!(private_list(&me(ADA)), "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)");
    }
}
