use std::collections::HashSet;
use std::time::Duration;

use gururmm_protocol::command::{CommandEvent, CommandResult, Knowledge, Outcome};
use gururmm_protocol::envelope::{Action, Refusal};
use gururmm_protocol::message::{FromAgent, Report, ToAgent};
use gururmm_protocol::readings::Reading;
use gururmm_sim::auto::Behaviour;
use gururmm_sim::fleet::{Fleet, FleetOptions};
use uuid::Uuid;

use crate::scripted_server::{ScriptedServer, shell};

const SOON: Duration = Duration::from_secs(60);

fn options(server: &ScriptedServer, agents: usize) -> FleetOptions {
    FleetOptions { connects_per_second: 1_000.0, ..FleetOptions::new(&server.url, vec![server.token()], agents, 3) }
}

fn in_a_hurry(server: &ScriptedServer, agents: usize) -> FleetOptions {
    let behaviour = Behaviour { tick: Duration::from_millis(100), ..Behaviour::default() };
    FleetOptions { behaviour, ..options(server, agents) }
}

async fn one_agent(server: &ScriptedServer) -> (Fleet, Uuid) {
    let fleet = Fleet::start(options(server, 1)).unwrap();
    assert!(fleet.wait_connected(1, SOON).await);
    server.until("the server knows of it", |s| s.connected() == 1).await;
    (fleet, server.agents()[0])
}

fn events(server: &ScriptedServer, agent: Uuid, command: Uuid) -> Vec<CommandEvent> {
    let event = |message| match message {
        FromAgent::Report { report: Report::Command { id, event }, .. } if id == command => Some(event),
        _ => None,
    };
    server.said(agent).into_iter().filter_map(event).collect()
}

fn result(server: &ScriptedServer, agent: Uuid, command: Uuid) -> Option<CommandResult> {
    events(server, agent, command).into_iter().find_map(|event| match event {
        CommandEvent::Finished(result) => Some(result),
        _ => None,
    })
}

fn readings(server: &ScriptedServer, agent: Uuid) -> Vec<Reading> {
    let readings = |message| match message {
        FromAgent::Report { report: Report::Readings { readings }, .. } => readings,
        _ => Vec::new(),
    };
    server.said(agent).into_iter().flat_map(readings).collect()
}

#[tokio::test]
async fn fifty_agents_enroll_report_inventory_and_readings_and_leave_properly() {
    let server = ScriptedServer::start().await;
    let fleet = Fleet::start(in_a_hurry(&server, 50)).unwrap();
    assert!(fleet.wait_connected(50, SOON).await, "{:?}", fleet.status());
    server.until("two readings of each", |s| s.agents().iter().all(|a| readings(s, *a).len() >= 2)).await;
    let status = fleet.stop().await;
    assert_eq!((status.enrolled, status.connected, status.errors), (50, 0, 0), "{status:?}");
    assert!(status.reports_acked >= 50);
    server.until("every socket is closed", |s| s.connected() == 0).await;
    let machines: HashSet<String> = server.hellos().into_iter().map(|hello| hello.machine.machine_id).collect();
    assert_eq!(machines.len(), 50);
    for agent in server.agents() {
        let readings = readings(&server, agent);
        assert!(readings.windows(2).all(|pair| pair[0].at < pair[1].at));
        let is_inventory = |message: &FromAgent| matches!(message, FromAgent::Report { report: Report::Inventory(inventory), .. } if inventory.sections.len() >= 10);
        assert_eq!(server.said(agent).iter().filter(|message| is_inventory(message)).count(), 1);
    }
}

#[tokio::test]
async fn a_command_runs_once_however_often_it_is_sent() {
    let server = ScriptedServer::start().await;
    let (_fleet, agent) = one_agent(&server).await;
    let envelope = server.seal(agent, Action::RunCommand(shell("echo one\necho two\nexit 4")));
    let id = envelope.claimed_header().unwrap().id;
    server.say(agent, ToAgent::Envelope(envelope.clone()));
    server.say(agent, ToAgent::Envelope(envelope.clone()));
    server.until("it ends", |s| result(s, agent, id).is_some()).await;
    server.say(agent, ToAgent::Envelope(envelope));
    server.say(agent, ToAgent::QueryCommands { ids: vec![id, Uuid::from_u128(404)] });
    let statuses = |s: &ScriptedServer| {
        s.said(agent).into_iter().find_map(|message| match message {
            FromAgent::CommandStatus { commands } => Some(commands),
            _ => None,
        })
    };
    server.until("it answers the question", |s| statuses(s).is_some()).await;
    let knowledge: Vec<Knowledge> = statuses(&server).unwrap().into_iter().map(|status| status.knowledge).collect();
    assert_eq!(knowledge, [Knowledge::Finished, Knowledge::NeverHad]);
    let events = events(&server, agent, id);
    let texts: Vec<(u32, &str)> = events
        .iter()
        .filter_map(|event| match event {
            CommandEvent::Output { index, text, .. } => Some((*index, text.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(texts, [(0, "one\n"), (1, "two\n")]);
    assert_eq!(events.iter().filter(|event| matches!(event, CommandEvent::Started { .. })).count(), 1);
    let result = result(&server, agent, id).unwrap();
    assert_eq!((result.outcome, result.exit_code, result.output_chunks), (Outcome::Failed, Some(4), 2));
}

#[tokio::test]
async fn a_fifth_command_waits_and_cancel_stops_running_waiting_and_unseen_ones() {
    let server = ScriptedServer::start().await;
    let (_fleet, agent) = one_agent(&server).await;
    let ids: Vec<Uuid> = (0..5).map(|_| server.send_action(agent, Action::RunCommand(shell("sleep 30")))).collect();
    server.until("four run", |s| ids[..4].iter().all(|id| events(s, agent, *id).len() == 1)).await;
    assert!(events(&server, agent, ids[4]).is_empty());
    let unseen = Uuid::from_u128(0xdead);
    for command_id in [ids[0], ids[4], unseen] {
        // Waiting ones first move up when a slot gets free, so the fifth may run for a moment.
        server.send_action(agent, Action::CancelCommand { command_id });
    }
    for id in [ids[0], ids[4], unseen] {
        server.until("it is cancelled", |s| result(s, agent, id).is_some()).await;
        assert_eq!(result(&server, agent, id).unwrap().outcome, Outcome::Cancelled);
    }
    assert!(result(&server, agent, ids[1]).is_none());
}

#[tokio::test]
async fn a_result_that_was_not_acknowledged_is_sent_again_in_the_next_session() {
    let server = ScriptedServer::start().await;
    let (_fleet, agent) = one_agent(&server).await;
    server.until("inventory is stored", |s| !s.said(agent).is_empty()).await;
    server.ignore_reports(true);
    let id = server.send_action(agent, Action::RunCommand(shell("echo x")));
    server.until("it ends", |s| result(s, agent, id).is_some()).await;
    server.ignore_reports(false);
    server.hang_up(agent);
    server.until("it is back", |s| s.connects(agent) == 2).await;
    server.until("all is said again", |s| events(s, agent, id).len() == 6).await;
    let again = events(&server, agent, id).split_off(3);
    assert!(matches!(
        again.as_slice(),
        [CommandEvent::Started { .. }, CommandEvent::Output { .. }, CommandEvent::Finished(_)]
    ));
}

#[tokio::test]
async fn a_forged_envelope_is_refused() {
    let server = ScriptedServer::start().await;
    let (_fleet, agent) = one_agent(&server).await;
    let envelope = server.seal(Uuid::from_u128(999), Action::RunCommand(shell("echo no")));
    let id = envelope.claimed_header().unwrap().id;
    server.say(agent, ToAgent::Envelope(envelope));
    let refusal = FromAgent::EnvelopeRefused { id: Some(id), refusal: Refusal::OtherAgent };
    server.until("it is refused", |s| s.said(agent).contains(&refusal)).await;
}

#[tokio::test]
async fn a_state_directory_brings_the_same_agents_back_but_no_decommissioned_one() {
    let server = ScriptedServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    let with_state =
        |key_salt| FleetOptions { key_salt, state_dir: Some(dir.path().to_owned()), ..options(&server, 3) };
    let fleet = Fleet::start(with_state(1)).unwrap();
    assert!(fleet.wait_connected(3, SOON).await);
    server.until("all are known", |s| s.connected() == 3).await;
    let first: HashSet<Uuid> = server.agents().into_iter().collect();
    let gone = server.agents()[0];
    server.send_action(gone, Action::Decommission { uninstall: false });
    let obeyed = |s: &ScriptedServer| {
        let is_goodbye = |m: &FromAgent| matches!(m, FromAgent::Report { report: Report::Decommissioned { .. }, .. });
        s.said(gone).iter().any(is_goodbye) && s.connected() == 2
    };
    server.until("one is decommissioned", obeyed).await;
    assert_eq!(fleet.stop().await.decommissioned, 1);

    let fleet = Fleet::start(FleetOptions { tokens: Vec::new(), ..with_state(2) }).unwrap();
    assert!(fleet.wait_connected(2, SOON).await);
    let status = fleet.stop().await;
    assert_eq!((status.enrolled, status.connects, status.errors), (2, 2, 0), "{status:?}");
    assert_eq!(server.agents().into_iter().collect::<HashSet<_>>(), first);
    assert_eq!(server.connects(gone), 1);
}

#[tokio::test]
async fn agents_that_are_told_to_leave_and_come_back_do() {
    let server = ScriptedServer::start().await;
    let behaviour = Behaviour { reconnect_every: Some(Duration::from_millis(200)), ..Behaviour::default() };
    let fleet = Fleet::start(FleetOptions { behaviour, ..options(&server, 10) }).unwrap();
    let restarted = |s: &ScriptedServer| {
        let boots: HashSet<String> = s.hellos().into_iter().map(|hello| hello.machine.boot_id).collect();
        s.agents().len() == 10 && boots.len() > 10 && s.agents().iter().all(|agent| s.connects(*agent) >= 2)
    };
    server.until("all came back, some after a restart", restarted).await;
    assert_eq!(fleet.stop().await.errors, 0);
    let machines: HashSet<String> = server.hellos().into_iter().map(|hello| hello.machine.machine_id).collect();
    assert_eq!(machines.len(), 10);
}

#[tokio::test]
async fn a_fleet_survives_a_server_that_is_not_there_yet() {
    // Bound, so that nobody else gets the port, but not listening yet.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let server = ScriptedServer::start().await;
    let late = FleetOptions { server: format!("http://{address}"), ..options(&server, 2) };
    let fleet = Fleet::start(late).unwrap();
    let failed = async {
        while fleet.status().errors == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, failed).await.unwrap();
    let upstream = server.url.strip_prefix("http://").unwrap().to_owned();
    let listener = socket.listen(64).unwrap();
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let upstream = upstream.clone();
            tokio::spawn(async move {
                let mut far = tokio::net::TcpStream::connect(upstream).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    assert!(fleet.wait_connected(2, SOON).await, "{:?}", fleet.status());
}
