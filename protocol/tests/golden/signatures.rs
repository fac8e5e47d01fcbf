//! The signatures in the files are real: they verify, and only for what they were made for.

use gururmm_protocol::crypto::PublicKey;
use gururmm_protocol::enroll::{EnrollRequest, EnrollmentToken, IdentityResponse};
use gururmm_protocol::envelope::{Expectation, Refusal};
use gururmm_protocol::message::{FromAgent, ToAgent};

use crate::check::folder;
use crate::fixed::{agent_key, at, earlier_agent_key, id, nonce, server, server_key};
use crate::link::{actions, challenge};

fn file(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap()
}

#[test]
fn envelopes_open_for_their_agent_and_nobody_else() {
    let server_key = PublicKey::of(&server_key());
    for (name, action) in actions() {
        let ToAgent::Envelope(envelope) = ToAgent::decode(&file(name)).unwrap() else { panic!("{name}") };
        let expect = Expectation { server_key: &server_key, agent_id: id(1), epoch: 3, now: at(10) };
        let (header, opened) = envelope.open(&expect).unwrap();
        assert_eq!((header.id, header.kind.as_str(), &opened), (id(10), action.kind(), &action));
        assert_eq!(envelope.open(&Expectation { agent_id: id(2), ..expect }), Err(Refusal::OtherAgent));
        assert_eq!(envelope.open(&Expectation { epoch: 4, ..expect }), Err(Refusal::OldEpoch));
        assert_eq!(envelope.open(&Expectation { now: at(600), ..expect }), Err(Refusal::Expired));
        let other_key = PublicKey::of(&agent_key());
        assert_eq!(envelope.open(&Expectation { server_key: &other_key, ..expect }), Err(Refusal::UnknownKey));
    }
}

#[test]
fn the_handshake_verifies() {
    let FromAgent::Hello(hello) = FromAgent::decode(&file("from_agent.hello")).unwrap() else { panic!() };
    assert_eq!(hello.public_key, PublicKey::of(&agent_key()));
    assert!(hello.verify(&server(), &challenge().nonce).is_ok());
    assert!(hello.verify(&server(), &nonce(99)).is_err());
    let ToAgent::Welcome(welcome) = ToAgent::decode(&file("to_agent.welcome")).unwrap() else { panic!() };
    let server_key = PublicKey::of(&server_key());
    assert!(welcome.verify(&server_key, &challenge().nonce, &hello.nonce).is_ok());
    assert!(welcome.verify(&server_key, &challenge().nonce, &nonce(99)).is_err());
}

#[test]
fn the_enrollment_verifies() {
    let token: String = serde_json::from_str(&file("enroll.token")).unwrap();
    let token: EnrollmentToken = token.parse().unwrap();
    assert_eq!(token.server, server());
    let identity: IdentityResponse = serde_json::from_str(&file("enroll.identity_response")).unwrap();
    assert!(identity.verify(&token.server, &nonce(10)).is_ok());
    let first: EnrollRequest = serde_json::from_str(&file("enroll.request.first")).unwrap();
    assert!(first.verify(&server()).is_ok());
    assert_eq!(first.proven_previous_key(&server()), None);
    let again: EnrollRequest = serde_json::from_str(&file("enroll.request.again")).unwrap();
    assert_eq!(again.proven_previous_key(&server()), Some(PublicKey::of(&earlier_agent_key())));
}
