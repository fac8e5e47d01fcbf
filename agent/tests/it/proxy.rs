//! A server behind a private certificate authority, reached only through a proxy.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use axum_server::tls_rustls::RustlsConfig;
use gururmm_agent::link::address::ServerAddress;
use gururmm_agent::link::proxy::Proxies;
use gururmm_agent::link::{socket, tls};
use gururmm_agent::store::DataDir;
use gururmm_agent::store::config::Config;
use gururmm_protocol::selftest::{CheckName, CheckState};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::binary::{Running, finished, program};
use super::selftest::{check, found, report, selftest};
use super::server::{TestServer, greet_who_leaves, script};

const NAME: &str = "rmm.customer.test";

/// A proxy that knows one name; records what it was asked.
async fn proxy(target: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut client = BufReader::new(client);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if client.read_line(&mut head).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let known = head.starts_with(&format!("CONNECT {NAME}:443 "));
                log.lock().unwrap().push(head);
                if known {
                    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                    let mut server = TcpStream::connect(target).await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                } else {
                    let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await;
                }
            });
        }
    });
    (address, asked)
}

/// A certificate authority's PEM, and the server with a certificate of it.
async fn with_tls(server: &TestServer) -> (String, SocketAddr) {
    tls::install_provider();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([NAME.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let config =
        RustlsConfig::from_pem(certificate.pem().into_bytes(), key.serialize_pem().into_bytes()).await.unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let serve =
        axum_server::from_tcp_rustls(listener, config).unwrap().serve(server.router.clone().into_make_service());
    tokio::spawn(serve);
    (authority.pem(), address)
}

#[tokio::test]
async fn enrollment_and_session_go_through_the_proxy_and_trust_the_given_authority() {
    let mut server = TestServer::start().await;
    let (authority, target) = with_tls(&server).await;
    let (proxy, asked) = proxy(target).await;
    let proxy = format!("http://agent:pass@{proxy}");
    let dir = tempfile::tempdir().unwrap();
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, &authority).unwrap();
    let data = dir.path().join("data");
    let enroll = |with_authority: bool, no_proxy: &str| {
        let mut command = program();
        command.args(["enroll", "--server", &format!("https://{NAME}")]).arg("--data-dir").arg(&data);
        command.env("GURURMM_TOKEN", server.token().reveal());
        command.env("HTTPS_PROXY", &proxy).env("NO_PROXY", no_proxy);
        if with_authority {
            command.arg("--ca-file").arg(&ca_file);
        }
        command
    };
    let distrusted = finished(&mut enroll(false, "")).await;
    let error = String::from_utf8_lossy(&distrusted.stderr).into_owned();
    assert!(!distrusted.status.success() && error.contains("UnknownIssuer"), "{error}");
    asked.lock().unwrap().clear();
    assert!(!finished(&mut enroll(true, NAME)).await.status.success(), "NO_PROXY: there is no such name");
    assert!(asked.lock().unwrap().is_empty());

    let enrolled = finished(&mut enroll(true, "")).await;
    assert!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));
    asked.lock().unwrap().clear();
    let mut command = program();
    command.env("https_proxy", &proxy);
    let agent = Running::start_with(&data, command);
    let mut session = server.accept().await;
    let id = session.run(script("echo through")).await;
    session.result(id).await;
    assert_eq!(session.stdout(id), "through\n");
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].to_ascii_lowercase().contains("proxy-authorization: basic ywdlbnq6cgfzcw=="), "{}", asked[0]);
    agent.kill();
}

#[tokio::test]
async fn the_selftest_looks_at_proxy_and_certificate_and_shows_no_password() {
    let mut server = TestServer::start().await;
    let (authority, target) = with_tls(&server).await;
    let (proxy, _asked) = proxy(target).await;
    let dir = super::agent::enrolled(&server);
    let command = |url: &str| {
        let mut command = selftest(program(), dir.path());
        command.args(["--server", url]).env("HTTPS_PROXY", format!("http://agent:hunter2@{proxy}"));
        command
    };
    let distrusted = finished(&mut command(&format!("https://{NAME}"))).await;
    assert_eq!(distrusted.status.code(), Some(1));
    let distrusted = report(&distrusted);
    assert_eq!(found(&distrusted, CheckName::Proxy), (CheckState::Ok, "proxy_reached"));
    assert_eq!(found(&distrusted, CheckName::Tls), (CheckState::Failed, "unknown_issuer"));
    assert_eq!(found(&distrusted, CheckName::Reachability), (CheckState::Skipped, "earlier_failure"));

    let held = DataDir::open(dir.path()).unwrap();
    let mut config = Config::load(&held).unwrap().unwrap();
    config.ca_pem = Some(authority);
    config.save(&held).unwrap();
    drop(held);
    let mut trusted = command(&format!("https://{NAME}"));
    let (output, ()) = tokio::join!(finished(&mut trusted), async {
        greet_who_leaves(&mut server.socket().await).await;
    });
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("hunter2"));
    let trusted = report(&output);
    assert_eq!(found(&trusted, CheckName::NameResolution), (CheckState::Skipped, "proxy_resolves"));
    assert_eq!(found(&trusted, CheckName::Tls), (CheckState::Ok, "believed"));
    let evidence = check(&trusted, CheckName::Tls).evidence.join(", ");
    assert!(evidence.contains("valid until ") && evidence.contains("TLSv1_3"), "{evidence}");
    assert_eq!(found(&trusted, CheckName::ServerIdentity), (CheckState::Ok, "proven"));
    assert_eq!(found(&trusted, CheckName::AgentSocket), (CheckState::Ok, "open"));

    // Another name than the one in the certificate; the proxy knows only the one.
    let unknown = report(&finished(&mut command("https://other.customer.test")).await);
    assert_eq!(found(&unknown, CheckName::Tls), (CheckState::Skipped, "no_connection"));
    assert_eq!(found(&unknown, CheckName::Reachability), (CheckState::Failed, "not_reached"));
}

#[tokio::test]
async fn nothing_to_this_machine_goes_through_a_proxy() {
    let mut server = TestServer::start().await;
    let (proxy, asked) = proxy(server.address).await;
    let dir = super::agent::enrolled(&server);
    let mut command = program();
    command.env("HTTP_PROXY", format!("http://{proxy}")).env("ALL_PROXY", format!("http://{proxy}"));
    let agent = Running::start_with(dir.path(), command);
    server.accept().await.receive().await;
    assert!(asked.lock().unwrap().is_empty());
    agent.kill();
}

/// Believes every certificate, and remembers on which thread it was asked.
#[derive(Debug, Default)]
struct Credulous(Mutex<Option<ThreadId>>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().unwrap() = Some(thread::current().id());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519]
    }
}

#[tokio::test]
async fn a_certificate_is_not_judged_on_the_thread_that_does_everything_else() {
    let mut server = TestServer::start().await;
    let (_authority, target) = with_tls(&server).await;
    let verifier = Arc::new(Credulous::default());
    let judge: Arc<dyn ServerCertVerifier> = Arc::clone(&verifier) as _;
    let tls = ClientConfig::builder().dangerous().with_custom_certificate_verifier(judge).with_no_client_auth();
    let (address, tls) = (ServerAddress::parse(&format!("https://{target}")).unwrap(), Arc::new(tls));
    let proxies = Proxies::from_env();
    let (knocked, ()) = tokio::join!(socket::knock(&address, &proxies, &tls), async {
        greet_who_leaves(&mut server.socket().await).await;
    });
    knocked.unwrap();
    let judged_on = verifier.0.lock().unwrap().unwrap();
    assert_ne!(judged_on, thread::current().id());
}
