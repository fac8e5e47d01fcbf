//! A TCP connection to the server, through the HTTP proxy that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`,
//! `ALL_PROXY`, `NO_PROXY`, in either case), or straight.

use std::io;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::Uri;
use tower_service::Service as _;

use super::address::ServerAddress;

/// The proxy rules of the environment, read once.
#[derive(Debug)]
pub struct Proxies(Matcher);

impl Proxies {
    /// Reads the environment.
    #[must_use]
    pub fn from_env() -> Self {
        Self(Matcher::from_env())
    }

    /// Opens a connection to the server. Nothing goes through a proxy to this machine itself: what is said there may be
    /// in plain text.
    ///
    /// # Errors
    /// In words, naming the proxy where one was used.
    pub async fn connect(&self, server: &ServerAddress) -> io::Result<TcpStream> {
        let (host, port) = server.authority();
        let target = server.endpoint("/");
        let uri: Uri = target.as_str().parse().map_err(io::Error::other)?;
        let via = if server.is_loopback() { None } else { self.0.intercept(&uri) };
        let stream = match via {
            None => TcpStream::connect((host.trim_matches(['[', ']']), port)).await?,
            Some(via) => {
                let proxy = via.uri().clone();
                let name = proxy.authority().map_or("", |authority| authority.as_str()).to_owned();
                let name = name.rsplit('@').next().unwrap_or_default();
                if proxy.scheme_str() != Some("http") {
                    return Err(io::Error::other(format!(
                        "the proxy {name} is not an http:// proxy; only those are supported"
                    )));
                }
                let mut tunnel = Tunnel::new(proxy.clone(), HttpConnector::new());
                if let Some(credentials) = via.basic_auth() {
                    tunnel = tunnel.with_auth(credentials.clone());
                }
                let destination: Uri = format!("https://{host}:{port}").parse().map_err(io::Error::other)?;
                let stream = tunnel
                    .call(destination)
                    .await
                    .map_err(|error| io::Error::other(format!("the proxy {name}: {}", chain(&error))))?;
                stream.into_inner()
            }
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
