//! Inventory, readings, and reports that get lost.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use gururmm_protocol::inventory::SECTION_NAMES;
use gururmm_protocol::message::{FromAgent, InventorySection, Report};

use super::agent::{Agent, enrolled};
use super::server::{Session, TestServer, now, script, welcome};

async fn sections(session: &mut Session, count: usize) -> Vec<InventorySection> {
    let mut all = Vec::new();
    while all.len() < count {
        if let FromAgent::Report { report: Report::Inventory { sections }, .. } = session.receive().await {
            all.extend(sections);
        }
    }
    all
}

#[tokio::test]
async fn the_whole_inventory_once_and_afterwards_only_what_differs() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let agent = Agent::start(&dir);
    let mut session = server.accept().await;
    let all = sections(&mut session, SECTION_NAMES.len()).await;
    let names: BTreeSet<_> = all.iter().map(|section| section.content.name()).collect();
    assert_eq!(names, SECTION_NAMES.into_iter().collect());
    for section in &all {
        assert_eq!(section.digest, section.content.digest().unwrap());
    }
    drop(session);

    let mut content = welcome();
    content.inventory = all.iter().map(|section| (section.content.name().to_owned(), section.digest.clone())).collect();
    content.inventory.insert("os".to_owned(), "an older digest".to_owned());
    let mut session = server.accept_with(content).await;
    let changed = sections(&mut session, 1).await;
    assert_eq!(changed.iter().map(|section| section.content.name()).collect::<Vec<_>>(), ["os"]);
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn readings_of_the_time_without_a_server_arrive_later_by_its_clock() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let agent = Agent::start_with(&dir, |options| {
        options.schedule.readings = Duration::from_millis(100);
        options.clock = std::sync::Arc::new(super::agent::Skewed(TimeDelta::hours(-1)));
    });
    let socket = server.socket().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(socket);
    let mut session = server.accept().await;
    while session.readings.len() < 15 {
        session.receive().await;
    }
    let times: Vec<_> = session.readings.iter().map(|reading| reading.at).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "strictly increasing");
    assert!((times[0] - now()).abs() < TimeDelta::seconds(30));
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again_in_the_next_session() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let agent = Agent::start(&dir);
    let mut session = server.accept().await;
    session.acknowledge = false;
    let command = session.run(script("echo one; sleep 0.5; echo two")).await;
    let first = session.result(command).await;
    let output = session.output(command);
    drop(session);
    let mut session = server.accept().await;
    assert_eq!(session.result(command).await, first);
    assert_eq!(session.output(command), output);
    session.settle(Duration::from_millis(500)).await;
    drop(session);
    let mut session = server.accept().await;
    session.settle(Duration::from_millis(1_000)).await;
    assert!(session.events.is_empty(), "acknowledged: nothing comes again");
    agent.stop().await.unwrap();
}
