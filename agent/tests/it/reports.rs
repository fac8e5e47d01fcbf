//! Inventory, readings, and reports that get lost.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use gururmm_protocol::inventory::{InventoryReport, InventorySection, SECTION_NAMES};
use gururmm_protocol::message::{FromAgent, Report};

use super::agent::{Agent, enrolled, journaled};
use super::server::{Session, TestServer, now, script, welcome};

/// Names and digests of the sections that a report tells of, read or unread; the packed ones unpacked.
fn told(report: &InventoryReport) -> BTreeMap<String, String> {
    let packed = report.packed.iter().map(|packed| packed.unpack().expect("what the agent packed"));
    let read = report.sections.iter().cloned().chain(packed).map(|section| {
        let again = InventorySection::new(section.content.clone(), section.problems.clone()).unwrap();
        assert_eq!(section.digest, again.digest);
        (section.content.name().to_owned(), section.digest)
    });
    let unread = report.unread.iter().map(|unread| (unread.section.clone(), unread.digest.clone()));
    read.chain(unread).collect()
}

/// The next reports, until `count` sections were told of.
async fn sections(session: &mut Session, count: usize) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    while all.len() < count {
        if let FromAgent::Report { report: Report::Inventory(report), .. } = session.receive().await {
            all.extend(told(&report));
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
    // Every section is read, or told to be unread. Linux has no updates of Windows.
    let expected: Vec<_> = SECTION_NAMES.into_iter().filter(|name| *name != "hot_fixes").collect();
    let all = sections(&mut session, expected.len()).await;
    assert!(expected.iter().all(|name| all.contains_key(*name)), "{all:?}");
    drop(session);

    let mut content = welcome();
    content.inventory = all;
    content.inventory.insert("os".to_owned(), "an older digest".to_owned());
    let mut session = server.accept_with(content).await;
    let changed = sections(&mut session, 1).await;
    assert_eq!(changed.into_keys().collect::<Vec<_>>(), ["os"]);
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
    journaled(dir.path(), "acknowledged", command).await;
    drop(session);
    let mut session = server.accept().await;
    session.settle(Duration::from_millis(1_000)).await;
    assert!(session.events.is_empty(), "acknowledged: nothing comes again");
    agent.stop().await.unwrap();
}
