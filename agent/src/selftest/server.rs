//! The way to the server, step by step. A step that fails keeps those after it from being made: one cause is told once.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use gururmm_protocol::crypto::Fingerprint;
use gururmm_protocol::enroll::IdentityResponse;
use gururmm_protocol::handshake::Challenge;
use gururmm_protocol::selftest::{Check, CheckName, CheckState};
use gururmm_protocol::text::clean_line;
use reqwest::{Client, StatusCode};
use tokio::net::lookup_host;

use super::certificate;
use super::enrollment::Target;
use super::verdict::{Verdict, aside, timed};
use crate::core::clock::Clock;
use crate::core::random::Random;
use crate::link::enroll::{self, EnrollError};
use crate::link::proxy::{Proxies, Proxy, chain};
use crate::link::socket::{self, LinkError};

/// How long a step may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// A clock that is wrong by more is told.
const CLOCK_OFF: TimeDelta = TimeDelta::seconds(60);
/// Beyond this, domains refuse logons: the usual tolerance of Kerberos.
const CLOCK_WRONG: TimeDelta = TimeDelta::minutes(5);
const MAX_ERROR: usize = 300;
/// Most addresses that are told.
const MAX_ADDRESSES: usize = 8;

const STEPS: [CheckName; 7] = [
    CheckName::NameResolution,
    CheckName::Proxy,
    CheckName::Tls,
    CheckName::Reachability,
    CheckName::ServerIdentity,
    CheckName::AgentSocket,
    CheckName::Clock,
];

/// Makes all steps.
pub(super) async fn examine(target: Option<Target>, clock: &dyn Clock, random: &dyn Random) -> Vec<Check> {
    let Some(target) = target else {
        let skipped = || {
            Verdict::skipped(
                "not_enrolled",
                "No server is known, because this machine is not enrolled; --server names one.",
            )
        };
        return STEPS.into_iter().map(|name| skipped().into_check(name, Duration::ZERO)).collect();
    };
    let proxies = Proxies::from_env();
    let proxy = proxies.on_the_way(&target.server);
    let mut walk = Walk::default();
    walk.step(CheckName::NameResolution, name_resolution(&target, proxy.is_some())).await;
    walk.step(CheckName::Proxy, way_out(&target, proxy.as_ref())).await;
    walk.step(CheckName::Tls, encryption(&target, &proxies, clock)).await;
    let client = enroll::http_client(&target.server, &target.tls);
    walk.step(CheckName::Reachability, reachability(&target, &client)).await;
    let offset = walk.step(CheckName::ServerIdentity, identity(&target, &client, clock, random)).await;
    walk.step(CheckName::AgentSocket, agent_socket(&target, &proxies)).await;
    walk.step(CheckName::Clock, async { (judge_clock(offset), ()) }).await;
    walk.checks
}

#[derive(Default)]
struct Walk {
    checks: Vec<Check>,
    failed: Option<CheckName>,
}

impl Walk {
    async fn step<T: Default>(&mut self, name: CheckName, work: impl Future<Output = (Verdict, T)>) -> T {
        if let Some(failed) = self.failed {
            let words = super::text::words(failed);
            let verdict =
                Verdict::skipped("earlier_failure", format!("Not looked at, because this failed before: {words}."));
            self.checks.push(verdict.into_check(name, Duration::ZERO));
            return T::default();
        }
        let (check, told) = timed(name, DEADLINE, work).await;
        // The server's key, and WebSockets, are questions of their own.
        let on_the_way = !matches!(name, CheckName::ServerIdentity | CheckName::AgentSocket | CheckName::Clock);
        if check.state == CheckState::Failed && on_the_way {
            self.failed = Some(name);
        }
        self.checks.push(check);
        told
    }
}

async fn name_resolution(target: &Target, through_proxy: bool) -> (Verdict, ()) {
    let (host, port) = target.server.authority();
    let bare = host.trim_matches(['[', ']']);
    let verdict = if bare.parse::<IpAddr>().is_ok() {
        Verdict::skipped("literal_address", format!("The server is known by its address, {bare}."))
    } else if through_proxy {
        Verdict::skipped("proxy_resolves", format!("The proxy looks for {bare}, not this machine."))
    } else {
        let found = lookup_host((bare, port)).await;
        judge_resolution(bare, found.map(|found| found.map(|address| address.ip()).collect()))
    };
    (verdict, ())
}

fn judge_resolution(host: &str, found: io::Result<BTreeSet<IpAddr>>) -> Verdict {
    let fix = "Look at the DNS servers of this machine, and at the name.";
    match found {
        Ok(addresses) if addresses.is_empty() => {
            Verdict::failed("no_address", format!("The name {host} has no address."), fix)
        }
        Ok(addresses) => addresses
            .iter()
            .take(MAX_ADDRESSES)
            .fold(Verdict::ok("resolved", format!("The name {host} has an address.")), |verdict, address| {
                verdict.with(address.to_string())
            }),
        Err(error) => Verdict::failed("not_resolved", format!("The name {host} cannot be resolved."), fix)
            .with(clean_line(&error.to_string(), MAX_ERROR)),
    }
}

async fn way_out(target: &Target, proxy: Option<&Proxy>) -> (Verdict, ()) {
    let verdict = match proxy {
        None if target.server.is_loopback() => {
            Verdict::skipped("this_machine", "The server is on this machine: no proxy is used.")
        }
        None => {
            Verdict::ok("direct", "No proxy is set for this server in the environment: the agent connects straight.")
        }
        Some(proxy) => judge_proxy(proxy.is_supported(), proxy.reach().await).with(format!(
            "proxy {}, {} credentials",
            proxy.name,
            if proxy.has_credentials() { "with" } else { "without" }
        )),
    };
    (verdict, ())
}

fn judge_proxy(supported: bool, reached: io::Result<()>) -> Verdict {
    match reached {
        _ if !supported => Verdict::failed(
            "unsupported_proxy",
            "The proxy is not an http:// proxy; only those are supported.",
            "Set HTTPS_PROXY to an http:// proxy.",
        ),
        Ok(()) => Verdict::ok("proxy_reached", "The proxy takes connections."),
        Err(error) => Verdict::failed(
            "proxy_not_reached",
            "The proxy takes no connections.",
            "Look at the proxy's address in HTTPS_PROXY, and at the proxy; or set NO_PROXY for this server.",
        )
        .with(clean_line(&error.to_string(), MAX_ERROR)),
    }
}

async fn encryption(target: &Target, proxies: &Proxies, clock: &dyn Clock) -> (Verdict, ()) {
    if !target.server.is_encrypted() {
        let reason = "Plain HTTP to this machine itself: there is no certificate.";
        return (Verdict::skipped("plain_http", reason), ());
    }
    let connection = proxies.connect(&target.server).await.and_then(tokio::net::TcpStream::into_std);
    let connection = match connection {
        Ok(connection) => connection,
        // The next step tells why.
        Err(_) => {
            return (Verdict::skipped("no_connection", "No connection came about in which it would be shown."), ());
        }
    };
    let (host, port) = target.server.authority();
    let (bare, config, now) = (host.trim_matches(['[', ']']).to_owned(), Arc::clone(&target.tls), clock.wall());
    let (verdict, ()) =
        aside(move || (certificate::judge(&certificate::handshake(config, &bare, connection, DEADLINE), now), ()))
            .await;
    (verdict.with(format!("{host}:{port}")), ())
}

async fn reachability(target: &Target, client: &Result<Client, EnrollError>) -> (Verdict, ()) {
    let url = target.server.endpoint("/health");
    let answered = match client {
        Ok(client) => client.get(url.clone()).send().await.map_err(|error| chain(&error.without_url())),
        Err(error) => Err(error.to_string()),
    };
    (judge_health(answered.map(|answer| answer.status())).with(format!("GET {url}")), ())
}

fn judge_health(answered: Result<StatusCode, String>) -> Verdict {
    match answered {
        Ok(StatusCode::OK) => Verdict::ok("reached", "The server answers, and is well."),
        Ok(status) if status.is_server_error() => Verdict::failed(
            "server_unwell",
            format!("The server, or a proxy before it, answers that it is not well (HTTP {}).", status.as_u16()),
            "Look at the server.",
        ),
        Ok(status) => Verdict::failed(
            "unexpected_answer",
            format!("What answers at this address does not answer like the server (HTTP {}).", status.as_u16()),
            "Look at the server's address; a proxy or a log-in page of the network may answer in its place.",
        ),
        Err(problem) => Verdict::failed(
            "not_reached",
            "The server does not answer.",
            "See that the server runs, and that firewalls let this machine connect to its address and port.",
        )
        .with(clean_line(&problem, MAX_ERROR)),
    }
}

/// The server's proof, and how far this machine's clock is behind the server's.
async fn identity(
    target: &Target,
    client: &Result<Client, EnrollError>,
    clock: &dyn Clock,
    random: &dyn Random,
) -> (Verdict, Option<TimeDelta>) {
    // The step before would have failed.
    let Ok(client) = client else {
        return (Verdict::skipped("earlier_failure", "The server was not reached."), None);
    };
    let nonce = match random.bytes() {
        Ok(bytes) => Fingerprint::from_bytes(bytes),
        Err(error) => {
            let reason = format!("The system has no random numbers: {error}.");
            return (Verdict::failed("no_random_numbers", reason, "Look into the system's log."), None);
        }
    };
    let before = clock.wall();
    let answered = enroll::ask_identity(client, &target.server, random, nonce).await;
    let after = clock.wall();
    let verdict = judge_identity(&answered, &nonce, target.pinned);
    let believed = verdict.state != CheckState::Failed;
    let offset = answered.ok().filter(|_| believed).map(|answer| answer.server_time - (before + (after - before) / 2));
    (verdict, offset)
}

fn judge_identity(
    answered: &Result<IdentityResponse, EnrollError>,
    nonce: &Fingerprint,
    pinned: Option<Fingerprint>,
) -> Verdict {
    let answer = match answered {
        Ok(answer) => answer,
        Err(EnrollError::Busy { .. }) => {
            return Verdict::warning("busy", "The server is too busy to prove who it is.", "Try again later.");
        }
        Err(error) => {
            return Verdict::failed(
                "no_proof",
                "What answers at this address does not prove that it is the server.",
                "Look at the server's address, and at what stands between this machine and the server.",
            )
            .with(clean_line(&error.to_string(), MAX_ERROR));
        }
    };
    let shown = answer.public_key.fingerprint();
    let verdict = match pinned {
        _ if answer.verify(&shown, nonce).is_err() => Verdict::failed(
            "no_proof",
            "What answers at this address does not hold the key that it shows.",
            "Somebody may stand between this machine and the server: look at proxies, and at the server's address.",
        ),
        None => {
            Verdict::skipped("not_enrolled", "A GuruRMM server answers; which key is the right one, enrollment tells.")
        }
        Some(pinned) if pinned == shown => {
            Verdict::ok("proven", "The server holds the key that this machine was enrolled with.")
        }
        Some(_) => Verdict::failed(
            "other_key",
            "The server does not hold the key that this machine was enrolled with; nothing it says is followed.",
            "See that this is the right server. One that was set up anew without its old keys needs every machine \
             enrolled again.",
        ),
    };
    verdict.with(format!("key {shown}")).with(format!("protocol {}", answer.protocol_version))
}

async fn agent_socket(target: &Target, proxies: &Proxies) -> (Verdict, ()) {
    // Large: it holds the buffers of a handshake.
    let heard = Box::pin(socket::knock(&target.server, proxies, &target.tls)).await;
    (judge_socket(&heard), ())
}

fn judge_socket(heard: &Result<Challenge, LinkError>) -> Verdict {
    match heard {
        Ok(_) => Verdict::ok("open", "WebSockets get through to the server."),
        Err(LinkError::Rejected(rejected)) => Verdict::warning(
            "turned_away",
            "WebSockets get through, but the server turns this one away.",
            "Try again later; look at the server if it stays so.",
        )
        .with(format!("{:?}: {}", rejected.code, rejected.message)),
        Err(error) => Verdict::failed(
            "no_websocket",
            "The server answers, but a WebSocket does not get through: agents cannot connect.",
            "Let WebSockets pass in whatever stands between, such as a reverse proxy, a firewall or a virus scanner.",
        )
        .with(clean_line(&error.to_string(), MAX_ERROR)),
    }
}

/// `offset` is how far this machine's clock is behind the server's.
fn judge_clock(offset: Option<TimeDelta>) -> Verdict {
    let Some(offset) = offset else {
        return Verdict::skipped("server_time_unknown", "What time it is on the server is not known.");
    };
    let fix = "Set this machine's clock, and look at what keeps it right (Windows Time service, chrony, NTP servers).";
    let (off, direction) = (offset.abs(), if offset > TimeDelta::zero() { "behind" } else { "ahead of" });
    let words = format!("{} {direction} the server's clock", length(off));
    let verdict = if off > CLOCK_WRONG {
        Verdict::failed(
            "clock_wrong",
            "The clock is wrong by more than five minutes: logons to domains and certificates fail.",
            fix,
        )
    } else if off > CLOCK_OFF {
        Verdict::warning("clock_off", "The clock is off by more than a minute.", fix)
    } else {
        Verdict::ok("in_step", "The clock agrees with the server's.")
    };
    verdict.with(words)
}

fn length(off: TimeDelta) -> String {
    match off.num_seconds() {
        0..120 => format!("{}.{} s", off.num_seconds(), off.subsec_millis() / 100),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ed25519_dalek::SigningKey;
    use gururmm_protocol::crypto::PublicKey;
    use gururmm_protocol::handshake::{RejectCode, Rejected};

    use super::*;

    fn found(verdict: &Verdict) -> (CheckState, &'static str) {
        (verdict.state, verdict.code)
    }

    #[test]
    fn a_name_is_judged_by_its_addresses() {
        let judge = |found: io::Result<Vec<&str>>| {
            let found = found.map(|all| all.iter().map(|text| text.parse().unwrap()).collect());
            judge_resolution("rmm.example.com", found)
        };
        assert_eq!(found(&judge(Ok(vec!["192.0.2.1", "2001:db8::1"]))), (CheckState::Ok, "resolved"));
        assert_eq!(found(&judge(Ok(vec![]))), (CheckState::Failed, "no_address"));
        assert_eq!(found(&judge(Err(io::ErrorKind::Other.into()))), (CheckState::Failed, "not_resolved"));
    }

    #[test]
    fn proxies_are_judged() {
        assert_eq!(found(&judge_proxy(true, Ok(()))), (CheckState::Ok, "proxy_reached"));
        assert_eq!(
            found(&judge_proxy(true, Err(io::ErrorKind::Other.into()))),
            (CheckState::Failed, "proxy_not_reached")
        );
        assert_eq!(found(&judge_proxy(false, Ok(()))), (CheckState::Failed, "unsupported_proxy"));
    }

    #[test]
    fn answers_are_judged() {
        let judge = |status: u16| found(&judge_health(Ok(StatusCode::from_u16(status).unwrap())));
        assert_eq!(judge(200), (CheckState::Ok, "reached"));
        assert_eq!(judge(503), (CheckState::Failed, "server_unwell"));
        for other in [204, 302, 404, 407] {
            assert_eq!(judge(other), (CheckState::Failed, "unexpected_answer"), "{other}");
        }
        assert_eq!(found(&judge_health(Err("refused".into()))), (CheckState::Failed, "not_reached"));
    }

    #[test]
    fn a_server_proves_the_key_that_was_pinned() {
        let (key, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let nonce = Fingerprint::from_bytes([3; 32]);
        let fingerprint = |key| PublicKey::of(key).fingerprint();
        let answer = || Ok(IdentityResponse::sign(&key, &nonce, DateTime::UNIX_EPOCH));
        let judge = |answer, pinned| found(&judge_identity(&answer, &nonce, pinned));
        assert_eq!(judge(answer(), Some(fingerprint(&key))), (CheckState::Ok, "proven"));
        assert_eq!(judge(answer(), Some(fingerprint(&other))), (CheckState::Failed, "other_key"));
        assert_eq!(judge(answer(), None), (CheckState::Skipped, "not_enrolled"));
        let replayed = IdentityResponse::sign(&key, &Fingerprint::from_bytes([4; 32]), DateTime::UNIX_EPOCH);
        assert_eq!(judge(Ok(replayed), Some(fingerprint(&key))), (CheckState::Failed, "no_proof"));
        let busy = EnrollError::Busy { problem: "x".into(), retry_after: None };
        assert_eq!(judge(Err(busy), None), (CheckState::Warning, "busy"));
        assert_eq!(judge(Err(EnrollError::BadAnswer("x".into())), None), (CheckState::Failed, "no_proof"));
    }

    #[test]
    fn a_socket_is_judged_by_what_the_server_says_first() {
        let challenge = Challenge {
            nonce: Fingerprint::from_bytes([3; 32]),
            protocol_version: 1,
            server_time: DateTime::UNIX_EPOCH,
        };
        assert_eq!(found(&judge_socket(&Ok(challenge))), (CheckState::Ok, "open"));
        let busy = Rejected { code: RejectCode::Busy, message: "later".into(), retry_after_seconds: None };
        assert_eq!(found(&judge_socket(&Err(LinkError::Rejected(busy)))), (CheckState::Warning, "turned_away"));
        assert_eq!(found(&judge_socket(&Err(LinkError::failed("x")))), (CheckState::Failed, "no_websocket"));
    }

    #[test]
    fn a_clock_is_judged_in_both_directions() {
        let judge = |seconds| found(&judge_clock(Some(TimeDelta::seconds(seconds))));
        for sign in [1, -1] {
            assert_eq!(judge(sign * 60), (CheckState::Ok, "in_step"));
            assert_eq!(judge(sign * 61), (CheckState::Warning, "clock_off"));
            assert_eq!(judge(sign * 300), (CheckState::Warning, "clock_off"));
            assert_eq!(judge(sign * 301), (CheckState::Failed, "clock_wrong"));
        }
        assert_eq!(found(&judge_clock(None)), (CheckState::Skipped, "server_time_unknown"));
        assert_eq!(length(TimeDelta::milliseconds(1_290)), "1.2 s");
        assert_eq!(length(TimeDelta::seconds(7_199)), "119 min");
        assert_eq!(length(TimeDelta::days(2)), "48 h");
    }

    #[tokio::test]
    async fn after_a_failure_on_the_way_nothing_further_is_tried() {
        let mut walk = Walk::default();
        let failed = async { (Verdict::failed("x", "x", "x"), 1) };
        assert_eq!(walk.step(CheckName::NameResolution, failed).await, 1);
        let never = async { panic!("this is not tried") };
        let told: u32 = walk.step(CheckName::Tls, never).await;
        assert_eq!(
            (told, walk.checks[1].state, walk.checks[1].code.as_str()),
            (0, CheckState::Skipped, "earlier_failure")
        );
        assert!(walk.checks[1].reason.contains("name resolution"), "{:?}", walk.checks[1]);
    }
}
