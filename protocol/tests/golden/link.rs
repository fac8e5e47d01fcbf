//! Enrollment, handshake and session messages.

use std::collections::BTreeMap;

use gururmm_protocol::command::{CommandStatus, Interpreter, Knowledge, Program, RunCommand};
use gururmm_protocol::crypto::PublicKey;
use gururmm_protocol::enroll::{EnrollRequest, EnrollResponse, IdentityRequest, IdentityResponse};
use gururmm_protocol::envelope::{Action, Refusal, SignedEnvelope, Terms};
use gururmm_protocol::handshake::{Challenge, Hello, RejectCode, Rejected, Welcome, WelcomeContent};
use gururmm_protocol::message::{FromAgent, Report, ToAgent};

use crate::check::{Golden, variants};
use crate::fixed::{agent_key, at, earlier_agent_key, id, machine, nonce, server, server_key, token};

variants!(to_agent_variants, ToAgent, {
    ToAgent::Challenge(_) => "to_agent.challenge",
    ToAgent::Welcome(_) => "to_agent.welcome",
    ToAgent::Rejected(_) => "to_agent.rejected",
    ToAgent::Ack { .. } => "to_agent.ack",
    ToAgent::Refused { .. } => "to_agent.refused",
    ToAgent::Envelope(_) => "to_agent.envelope",
    ToAgent::QueryCommands { .. } => "to_agent.query_commands",
    ToAgent::Unknown => "to_agent.unknown",
});

variants!(from_agent_variants, FromAgent, {
    FromAgent::Hello(_) => "from_agent.hello",
    FromAgent::Report { .. } => "from_agent.report",
    FromAgent::CommandStatus { .. } => "from_agent.command_status",
    FromAgent::EnvelopeRefused { .. } => "from_agent.envelope_refused",
    FromAgent::Unknown => "from_agent.unknown",
});

variants!(action_variants, Action, {
    Action::RunCommand(_) => "to_agent.envelope.run_command",
    Action::CancelCommand { .. } => "to_agent.envelope.cancel_command",
    Action::Decommission { .. } => "to_agent.envelope.decommission",
});

variants!(program_variants, Program, {
    Program::Shell { .. } => "to_agent.envelope.run_command.shell",
    Program::Exec { .. } => "to_agent.envelope.run_command.exec",
    Program::Selftest => "to_agent.envelope.run_command.selftest",
});

pub fn variants() -> Vec<&'static str> {
    [to_agent_variants(None), from_agent_variants(None), action_variants(None), program_variants(None)].concat()
}

pub fn challenge() -> Challenge {
    Challenge { nonce: nonce(11), protocol_version: 1, server_time: at(0) }
}

fn hello() -> Hello {
    Hello::sign(&agent_key(), &server(), &challenge(), nonce(12), "0.1.0", machine())
}

fn welcome() -> Welcome {
    let content = WelcomeContent {
        agent_id: id(1),
        session_id: id(2),
        epoch: 3,
        server_time: at(1),
        inventory: BTreeMap::from([("os".into(), "00112233445566778899aabbccddeeff".into())]),
    };
    Welcome::sign(&server_key(), &nonce(11), &nonce(12), content)
}

/// Each envelope's file name and the action in it.
pub fn actions() -> Vec<(&'static str, Action)> {
    let shell = RunCommand {
        program: Program::Shell { interpreter: Interpreter::Sh, script: "printf '%s\\n' \"$NAME\"\n".into() },
        timeout_seconds: 60,
        output_limit_bytes: 1_048_576,
        working_directory: Some("/tmp".into()),
        environment: BTreeMap::from([("NAME".into(), "Zoë".into())]),
        secrets: BTreeMap::from([("TOKEN".into(), "s3cret".into())]),
    };
    let exec = RunCommand {
        program: Program::Exec { argv: vec!["/usr/bin/id".into(), "-u".into()] },
        working_directory: None,
        environment: BTreeMap::new(),
        secrets: BTreeMap::new(),
        ..shell
    };
    let selftest = RunCommand { program: Program::Selftest, ..exec.clone() };
    vec![
        ("to_agent.envelope.run_command.shell", Action::RunCommand(shell)),
        ("to_agent.envelope.run_command.exec", Action::RunCommand(exec)),
        ("to_agent.envelope.run_command.selftest", Action::RunCommand(selftest)),
        ("to_agent.envelope.cancel_command", Action::CancelCommand { command_id: id(10) }),
        ("to_agent.envelope.decommission", Action::Decommission { uninstall: true }),
    ]
}

fn envelope(action: Action) -> SignedEnvelope {
    let terms = Terms { id: id(10), agent_id: id(1), epoch: 3, issued_at: at(0), expires_at: at(600), salt: id(99) };
    SignedEnvelope::seal(&server_key(), terms, action).unwrap()
}

pub fn enrollment() -> Vec<Golden> {
    let request = |previous| EnrollRequest::sign(&token(), &agent_key(), nonce(10), machine(), "0.1.0", previous);
    let response = EnrollResponse { agent_id: id(1), server_public_key: PublicKey::of(&server_key()) };
    vec![
        Golden::new("enroll.token", token().reveal()),
        Golden::new("enroll.identity_request", IdentityRequest { nonce: nonce(10) }),
        Golden::new("enroll.identity_response", IdentityResponse::sign(&server_key(), &nonce(10), at(0))),
        Golden::new("enroll.request.first", request(None)),
        Golden::new("enroll.request.again", request(Some(&earlier_agent_key()))),
        Golden::new("enroll.response", response),
    ]
}

pub fn to_agent() -> Vec<Golden> {
    let rejected = |code, message: &str, retry_after_seconds| {
        ToAgent::Rejected(Rejected { code, message: message.into(), retry_after_seconds })
    };
    let mut all = vec![
        Golden::new("to_agent.challenge", ToAgent::Challenge(challenge())),
        Golden::new("to_agent.welcome", ToAgent::Welcome(welcome())),
        Golden::new("to_agent.rejected", rejected(RejectCode::UnknownKey, "no agent has this key", None)),
        Golden::new(
            "to_agent.rejected.later",
            rejected(RejectCode::Quarantined, "two machines use this key; a technician has to decide", Some(300)),
        ),
        Golden::new("to_agent.ack", ToAgent::Ack { seqs: vec![1, 2, 9_007_199_254_740_993] }),
        Golden::new("to_agent.refused", ToAgent::Refused { seq: 7, message: "unknown kind of report".into() }),
        Golden::new("to_agent.query_commands", ToAgent::QueryCommands { ids: vec![id(10), id(11)] }),
        Golden::new("to_agent.unknown", ToAgent::Unknown),
    ];
    all.extend(actions().into_iter().map(|(name, action)| Golden::new(name, ToAgent::Envelope(envelope(action)))));
    all
}

pub fn from_agent() -> Vec<Golden> {
    let status = |n, knowledge| CommandStatus { id: id(n), knowledge };
    let commands = vec![status(10, Knowledge::NeverHad), status(11, Knowledge::InProgress)];
    let refused = |id, refusal| FromAgent::EnvelopeRefused { id, refusal };
    vec![
        Golden::new("from_agent.hello", FromAgent::Hello(hello())),
        Golden::new("from_agent.report", FromAgent::Report { seq: 1, report: Report::Unknown }),
        Golden::new("from_agent.command_status", FromAgent::CommandStatus { commands }),
        Golden::new("from_agent.envelope_refused", refused(Some(id(10)), Refusal::Expired)),
        Golden::new("from_agent.envelope_refused.unreadable", refused(None, Refusal::Malformed)),
        Golden::new("from_agent.unknown", FromAgent::Unknown),
    ]
}
