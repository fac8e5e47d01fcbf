//! Who is logged in.

use gururmm_protocol::inventory::LoggedInUser;

use super::filetime;

/// A session as the terminal services tell of it (`WTSEnumerateSessions`, `WTSINFO`), which also keep the console's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: u32,
    /// `WTS_CONNECTSTATE_CLASS`.
    pub state: i32,
    /// `Console`, `RDP-Tcp#3`; empty for a disconnected session.
    pub station: String,
    /// Account name; empty where nobody is logged in.
    pub user: String,
    /// Its domain or the computer's name.
    pub domain: String,
    /// Name of the computer that a remote session comes from.
    pub client: String,
    /// When the user logged in, a `FILETIME`.
    pub logon_time: i64,
}

/// `WTSDisconnected`.
const DISCONNECTED: i32 = 4;

/// The logged-in users. One whose session is disconnected is still logged in: the programs run on.
#[must_use]
pub fn logged_in(sessions: Vec<Session>, computer: &str) -> Vec<LoggedInUser> {
    let mut users: Vec<_> = sessions
        .into_iter()
        .filter(|session| !session.user.is_empty())
        .map(|session| LoggedInUser {
            name: account(&session.domain, &session.user, computer),
            session: Some(match session.state {
                DISCONNECTED => format!("{}, disconnected", session.id),
                _ if session.station.is_empty() => session.id.to_string(),
                _ => session.station,
            }),
            host: Some(session.client).filter(|client| !client.is_empty()),
            since: filetime::instant(session.logon_time),
        })
        .collect();
    users.sort_by(|a, b| (&a.name, &a.session, a.since).cmp(&(&b.name, &b.session, b.since)));
    users
}

/// `DOMAIN\name`, or the bare name of this computer's own accounts.
#[must_use]
pub fn account(domain: &str, name: &str, computer: &str) -> String {
    if domain.is_empty() || domain.eq_ignore_ascii_case(computer) {
        name.to_owned()
    } else {
        format!(r"{domain}\{name}")
    }
}

/// The name under which Windows keeps this computer's own accounts: the host name, cut to the 15 characters of NetBIOS.
#[must_use]
pub fn computer_name(hostname: &str) -> String {
    hostname.split('.').next().unwrap_or_default().chars().take(15).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_host_names_are_cut_as_windows_does() {
        assert_eq!(computer_name("reception-frontdesk-2.contoso.local"), "reception-front");
        assert_eq!(account("RECEPTION-FRONT", "ann", &computer_name("reception-frontdesk-2")), "ann");
        assert_eq!(account("CONTOSO", "ann", "PC7"), r"CONTOSO\ann");
    }

    #[test]
    fn sessions_with_a_user_are_told() {
        let sessions = vec![
            Session { id: 0, state: DISCONNECTED, station: "Services".into(), ..Session::default() },
            Session {
                id: 1,
                station: "Console".into(),
                user: "ann".into(),
                domain: "PC7".into(),
                logon_time: 133_480_224_123_456_789,
                ..Session::default()
            },
            Session {
                id: 3,
                station: "RDP-Tcp#0".into(),
                user: "bob".into(),
                domain: "CONTOSO".into(),
                client: "LAPTOP".into(),
                ..Session::default()
            },
            Session { id: 4, state: DISCONNECTED, user: "eve".into(), domain: "CONTOSO".into(), ..Session::default() },
            Session { id: 65536, state: 6, station: "RDP-Tcp".into(), ..Session::default() },
        ];
        let users = logged_in(sessions, "pc7");
        let told: Vec<_> =
            users.iter().map(|user| (user.name.as_str(), user.session.as_deref(), user.host.as_deref())).collect();
        assert_eq!(
            told,
            [
                (r"CONTOSO\bob", Some("RDP-Tcp#0"), Some("LAPTOP")),
                (r"CONTOSO\eve", Some("4, disconnected"), None),
                ("ann", Some("Console"), None),
            ]
        );
        assert_eq!(users[2].since.map(|at| at.to_string()).as_deref(), Some("2023-12-26 00:00:12 UTC"));
        assert_eq!(users[0].since, None);
    }
}
