//! A TCP connection to the server, through the HTTP proxy that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`,
//! `ALL_PROXY`, `NO_PROXY`, in either case), or straight.

use std::io;
use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::Uri;
use tower_service::Service as _;

use super::address::ServerAddress;

/// How long the TCP connection may take; a name's addresses of one family share it. Well below
/// [`super::socket::CONNECT_TIMEOUT`], so that an address that swallows everything does not use up what TLS needs.
pub(super) const TCP_TIMEOUT: Duration = Duration::from_secs(15);

/// The proxy rules of the environment, read once.
#[derive(Debug)]
pub struct Proxies(Matcher);

/// The proxy on the way to the server.
#[derive(Debug)]
pub struct Proxy {
    intercept: Intercept,
    /// Host and port, without credentials.
    pub name: String,
}

impl Proxy {
    fn new(intercept: Intercept) -> Self {
        let authority = intercept.uri().authority().map_or("", |authority| authority.as_str());
        let name = authority.rsplit('@').next().unwrap_or_default().to_owned();
        Self { intercept, name }
    }

    /// Whether it is one that can be used.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        self.intercept.uri().scheme_str() == Some("http")
    }

    /// Whether a name and a password are sent to it.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.intercept.basic_auth().is_some()
    }

    /// Opens a connection to the proxy itself, and closes it again.
    ///
    /// # Errors
    /// In words.
    pub async fn reach(&self) -> io::Result<()> {
        let uri = self.intercept.uri().clone();
        let reached = connector(GaiResolver::new()).call(uri).await;
        reached.map(drop).map_err(|error| io::Error::other(chain(&error)))
    }
}

impl Proxies {
    /// Reads the environment.
    #[must_use]
    pub fn from_env() -> Self {
        Self(Matcher::from_env())
    }

    /// The proxy on the way to the server. Nothing goes through one to this machine itself: what is said there may be in
    /// plain text.
    #[must_use]
    pub fn on_the_way(&self, server: &ServerAddress) -> Option<Proxy> {
        if server.is_loopback() {
            return None;
        }
        let uri: Uri = server.endpoint("/").as_str().parse().ok()?;
        self.0.intercept(&uri).map(Proxy::new)
    }

    /// Opens a connection to the server.
    ///
    /// # Errors
    /// In words, naming the proxy where one was used.
    pub async fn connect(&self, server: &ServerAddress) -> io::Result<TcpStream> {
        let (host, port) = server.authority();
        let mut tcp = connector(GaiResolver::new());
        let stream = match self.on_the_way(server) {
            None => {
                let uri: Uri = server.endpoint("/").as_str().parse().map_err(io::Error::other)?;
                tcp.call(uri).await.map_err(|error| io::Error::other(chain(&error)))?.into_inner()
            }
            Some(proxy) => {
                let name = &proxy.name;
                if !proxy.is_supported() {
                    return Err(io::Error::other(format!(
                        "the proxy {name} is not an http:// proxy; only those are supported"
                    )));
                }
                let mut tunnel = Tunnel::new(proxy.intercept.uri().clone(), tcp);
                if let Some(credentials) = proxy.intercept.basic_auth() {
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

/// Opens TCP connections to whatever a name resolves to: IPv6 and IPv4 beside each other, the addresses of a family one
/// after the other.
fn connector<R>(resolver: R) -> HttpConnector<R> {
    let mut connector = HttpConnector::new_with_resolver(resolver);
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(TCP_TIMEOUT));
    connector
}

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;
    use std::task::{Context, Poll};

    use hyper_util::client::legacy::connect::dns::Name;
    use tokio::net::{TcpListener, TcpSocket};

    #[derive(Clone)]
    struct Resolver(Vec<SocketAddr>);

    impl tower_service::Service<Name> for Resolver {
        type Response = std::vec::IntoIter<SocketAddr>;
        type Error = io::Error;
        type Future = std::future::Ready<io::Result<Self::Response>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Name) -> Self::Future {
            std::future::ready(Ok(self.0.clone().into_iter()))
        }
    }

    /// Neither accepts nor refuses: the queue of what nobody accepts is full.
    async fn black_hole() -> (TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        while let Ok(stream) = tokio::time::timeout(Duration::from_secs(1), TcpStream::connect(address)).await {
            queued.push(stream.unwrap());
        }
        (listener, queued)
    }

    #[tokio::test]
    async fn an_address_that_swallows_everything_does_not_keep_the_agent_from_the_next_one() {
        let (hole, _queued) = black_hole().await;
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = [&hole, &server].map(|listener| listener.local_addr().unwrap()).to_vec();
        let mut connector = connector(Resolver(addresses));
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let stream = connector.call(Uri::from_static("https://rmm.example.com")).await.unwrap().into_inner();
        assert_eq!(stream.peer_addr().unwrap(), server.local_addr().unwrap());
        assert!(began.elapsed() >= TCP_TIMEOUT / 2 && began.elapsed() < TCP_TIMEOUT, "{:?}", began.elapsed());
    }
}
