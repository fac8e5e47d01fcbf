//! The server's address, and the rule that secrets do not travel in plain text.

use std::net::IpAddr;

use gururmm_protocol::handshake::AGENT_SOCKET_PATH;
use reqwest::Url;

/// A server address that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// Without a slash at the end.
    base: Url,
    loopback: bool,
}

/// The address cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadAddress {
    /// No address of a server.
    #[error("server: {0:?} is not an address; give it like https://rmm.example.com")]
    NotAnAddress(String),
    /// Credentials, query or fragment.
    #[error("server: give only scheme, host, port and path, like https://rmm.example.com")]
    Superfluous,
    /// Not encrypted.
    #[error(
        "server: {0} is not encrypted, and plain http is accepted only on this machine itself (127.0.0.0/8, ::1, \
         localhost); use https"
    )]
    PlainText(String),
}

impl ServerAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// [`BadAddress`], with the fix.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let mut base = Url::parse(text.trim()).map_err(|_| BadAddress::NotAnAddress(text.to_owned()))?;
        let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() || !matches!(base.scheme(), "http" | "https") {
            return Err(BadAddress::NotAnAddress(text.to_owned()));
        }
        let bare = base.username().is_empty() && base.password().is_none();
        if !bare || base.query().is_some() || base.fragment().is_some() {
            return Err(BadAddress::Superfluous);
        }
        let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if base.scheme() == "http" && !loopback {
            return Err(BadAddress::PlainText(base.to_string()));
        }
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Self { base, loopback })
    }

    /// Whether the server is on this machine: no proxy is then used.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// The address of an HTTP endpoint; `path` begins with a slash.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    /// The address of the agent's WebSocket.
    #[must_use]
    pub fn socket(&self) -> String {
        let url = self.endpoint(AGENT_SOCKET_PATH);
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        format!("{scheme}{}", &url.as_str()[url.scheme().len()..])
    }

    /// Host (an IPv6 address in brackets) and port.
    #[must_use]
    pub fn authority(&self) -> (&str, u16) {
        (self.base.host_str().unwrap_or_default(), self.base.port_or_known_default().unwrap_or(443))
    }
}

impl std::fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_only_to_this_machine() {
        for good in ["http://127.0.0.1:3001", "http://127.9.9.9", "http://[::1]:3001/", "http://localhost:3001"] {
            assert!(ServerAddress::parse(good).is_ok_and(|address| address.is_loopback()), "{good}");
        }
        for bad in ["http://rmm.example.com", "http://10.0.0.1", "http://localhost.example.com", "http://[::2]"] {
            assert!(matches!(ServerAddress::parse(bad), Err(BadAddress::PlainText(_))), "{bad}");
        }
        assert!(ServerAddress::parse("https://rmm.example.com").is_ok_and(|address| !address.is_loopback()));
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in ["", "rmm.example.com", "ftp://localhost", "file:///etc/passwd"] {
            assert!(matches!(ServerAddress::parse(bad), Err(BadAddress::NotAnAddress(_))), "{bad}");
        }
        for bad in ["https://user:pw@host", "https://host/?x=1", "https://host/#x"] {
            assert_eq!(ServerAddress::parse(bad), Err(BadAddress::Superfluous), "{bad}");
        }
    }

    #[test]
    fn endpoints_stand_below_the_address() {
        let address = ServerAddress::parse("https://rmm.example.com/rmm/").unwrap();
        assert_eq!(address.endpoint("/api/x").as_str(), "https://rmm.example.com/rmm/api/x");
        assert_eq!(address.socket(), "wss://rmm.example.com/rmm/ws/agent");
        assert_eq!(ServerAddress::parse("http://localhost:3001").unwrap().socket(), "ws://localhost:3001/ws/agent");
    }
}
