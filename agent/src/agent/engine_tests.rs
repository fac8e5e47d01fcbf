use std::sync::Arc;

use chrono::TimeDelta;
use ed25519_dalek::SigningKey;
use gururmm_protocol::crypto::{Fingerprint, PublicKey};
use gururmm_protocol::envelope::EnvelopeHeader;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::engine::{Engine, Inputs};
use super::{AgentError, Ended};
use crate::core::clock::{SystemClock, Time};
use crate::core::outbox::Outbox;
use crate::run::Runner;
use crate::store::DataDir;
use crate::store::config::Config;
use crate::store::journal_file::JournalFile;
use crate::store::ledger::{Ledger, SharedLedger};

fn engine(dir: DataDir) -> Engine {
    let time = Arc::new(Time::new(Arc::new(SystemClock), TimeDelta::zero()));
    JournalFile::create(&dir, false).unwrap();
    let ledger = SharedLedger::new(Ledger::open(&dir, time.now()).unwrap());
    let config = Config {
        server: "https://rmm.example.com".to_owned(),
        server_public_key: PublicKey::of(&SigningKey::from_bytes(&[1; 32])),
        agent_id: Uuid::nil(),
        epoch: 0,
        key_file: "agent-1.key".to_owned(),
        ca_pem: None,
        clock_offset_ms: 0,
    };
    let (events, _) = mpsc::unbounded_channel();
    let runner = Runner::new(ledger.clone(), Arc::clone(&time), events, dir.path().to_owned());
    Engine::new(dir, config, time, ledger, Outbox::default(), runner)
}

/// Runs an engine whose connection's task has ended by itself, as after a panic.
async fn without_connection(engine: Engine) -> Result<(Ended, Option<DataDir>), AgentError> {
    let ((_, linked), (_, ran), (_, collected)) = (mpsc::channel(1), mpsc::unbounded_channel(), mpsc::channel(1));
    let inputs = Inputs { linked, ran, collected, stop: CancellationToken::new() };
    engine.run(inputs, CancellationToken::new(), tokio::spawn(async {})).await
}

#[tokio::test]
async fn an_agent_whose_connection_has_failed_ends_so_that_it_is_started_anew() {
    let temp = tempfile::tempdir().unwrap();
    let engine = engine(DataDir::open(temp.path()).unwrap());
    let error = without_connection(engine).await.unwrap_err();
    assert!(matches!(error, AgentError::Broken) && !error.is_lasting(), "{error}");
}

#[tokio::test]
async fn an_uninstall_goes_on_when_the_connection_fails_meanwhile() {
    let temp = tempfile::tempdir().unwrap();
    let mut engine = engine(DataDir::open(temp.path()).unwrap());
    let header = EnvelopeHeader {
        id: Uuid::from_u128(1),
        agent_id: Uuid::nil(),
        key: Fingerprint::from_bytes([0; 32]),
        kind: "decommission".to_owned(),
        epoch: 0,
        issued_at: engine.time.now(),
        expires_at: engine.time.now() + TimeDelta::hours(1),
        payload_hash: Fingerprint::from_bytes([0; 32]),
    };
    engine.decommission(&header, true);
    engine.leaving.as_mut().unwrap().acknowledged();
    let (ended, to_remove) = without_connection(engine).await.unwrap();
    assert_eq!(ended, Ended::Decommissioned);
    assert_eq!(to_remove.unwrap().path(), temp.path(), "what is to be removed is handed on");
}
