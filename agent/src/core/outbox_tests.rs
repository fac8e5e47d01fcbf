use super::*;
use chrono::TimeDelta;
use gururmm_protocol::command::{Outcome, OutputStream};
use proptest::prelude::*;

struct Stored(u32);

impl OutputSource for Stored {
    fn output(&mut self, _: Uuid, index: u32) -> Option<CommandEvent> {
        (index < self.0).then(|| CommandEvent::Output { index, stream: OutputStream::Stdout, text: index.to_string() })
    }
}

const ID: Uuid = Uuid::from_u128(1);

fn at() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn result(output_chunks: u32) -> CommandResult {
    CommandResult {
        exit_code: Some(0),
        started_at: Some(at()),
        output_chunks,
        ..CommandResult::bare(Outcome::Succeeded, None, at())
    }
}

fn with_command(chunks: u32) -> Outbox {
    let mut outbox = Outbox::default();
    outbox.connected(BTreeMap::new());
    outbox.command_started(ID, at());
    (0..chunks).for_each(|_| outbox.command_output(ID));
    outbox.command_finished(ID, result(chunks));
    outbox
}

fn drain(outbox: &mut Outbox, chunks: u32, now: Duration) -> Vec<(u64, Report)> {
    std::iter::from_fn(|| outbox.next(now, &mut Stored(chunks))).collect()
}

#[test]
fn events_go_in_order_and_the_command_is_settled_by_the_last_acknowledgement() {
    let mut outbox = with_command(2);
    let sent = drain(&mut outbox, 2, Duration::ZERO);
    assert_eq!(sent.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(matches!(sent[3].1, Report::Command { event: CommandEvent::Finished(_), .. }));
    for seq in [4, 1, 3] {
        assert_eq!(outbox.settle(seq), None);
    }
    assert_eq!(outbox.settle(2), Some(Settled::Command(ID)));
    assert_eq!(outbox.settle(2), None, "acknowledged twice");
    assert!(outbox.commands_delivered());
}

#[test]
fn at_most_64_are_under_way() {
    let mut outbox = with_command(200);
    assert_eq!(drain(&mut outbox, 200, Duration::ZERO).len(), MAX_UNACKED_REPORTS);
    assert!(!outbox.has_ready(Duration::ZERO));
    outbox.settle(5);
    assert_eq!(drain(&mut outbox, 200, Duration::ZERO).len(), 1);
}

#[test]
fn unacknowledged_reports_go_again_after_a_minute_with_the_same_number_or_in_the_next_session() {
    let mut outbox = with_command(1);
    let sent = drain(&mut outbox, 1, Duration::ZERO);
    assert_eq!(drain(&mut outbox, 1, Duration::from_secs(59)), []);
    assert_eq!(drain(&mut outbox, 1, Duration::from_secs(60)), sent);
    outbox.settle(1);
    outbox.connected(BTreeMap::new());
    let again = drain(&mut outbox, 1, Duration::from_secs(61));
    assert_eq!(again.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(again.into_iter().map(|(_, report)| report).collect::<Vec<_>>(), [sent[1].1.clone(), sent[2].1.clone()]);
}

#[test]
fn lost_output_does_not_hold_up_the_result() {
    let mut outbox = with_command(5);
    let sent = drain(&mut outbox, 0, Duration::ZERO);
    assert_eq!(sent.len(), 2, "start and end");
    outbox.settle(1);
    assert_eq!(outbox.settle(2), Some(Settled::Command(ID)));
}

#[test]
fn a_result_asked_for_again_goes_alone() {
    let mut outbox = Outbox::default();
    outbox.connected(BTreeMap::new());
    outbox.repeat_result(ID, result(9));
    let sent = drain(&mut outbox, 9, Duration::ZERO);
    assert_eq!(sent.len(), 1);
    assert_eq!(outbox.settle(1), Some(Settled::Command(ID)));
}

#[derive(Debug, Clone)]
enum Step {
    Send(u8),
    Settle(u64),
    Reconnect,
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1_u8..90).prop_map(Step::Send),
        (1_u64..90).prop_map(Step::Settle),
        Just(Step::Reconnect),
        Just(Step::Wait)
    ]
}

proptest! {
    /// Whatever is lost, acknowledged late or cut off: in the end every event has been acknowledged, and none was
    /// forgotten before.
    #[test]
    fn everything_arrives_in_the_end(chunks in 0_u32..150, steps in proptest::collection::vec(step(), 0..30)) {
        let mut outbox = with_command(chunks);
        let mut arrived = BTreeSet::new();
        let mut wire: BTreeMap<u64, CommandEvent> = BTreeMap::new();
        let mut now = Duration::ZERO;
        let mut done = false;
        let key = |event: &CommandEvent| match event {
            CommandEvent::Started { .. } => 0,
            CommandEvent::Output { index, .. } => index + 1,
            CommandEvent::Finished(_) => u32::MAX,
        };
        let rounds = (0..20).flat_map(|_| [Step::Send(64), Step::Settle(0)]);
        for step in steps.into_iter().chain(rounds) {
            match step {
                Step::Send(count) => for _ in 0..count {
                    let Some((seq, Report::Command { event, .. })) = outbox.next(now, &mut Stored(chunks)) else { break };
                    wire.insert(seq, event);
                },
                Step::Settle(0) => for (seq, event) in std::mem::take(&mut wire) {
                    arrived.insert(key(&event));
                    done |= outbox.settle(seq).is_some();
                },
                Step::Settle(seq) => if let Some(event) = wire.remove(&seq) {
                    arrived.insert(key(&event));
                    done |= outbox.settle(seq).is_some();
                },
                Step::Reconnect => { wire.clear(); outbox.connected(BTreeMap::new()); }
                Step::Wait => now += RESEND_AFTER,
            }
            prop_assert!(outbox.lengths().unacknowledged <= MAX_UNACKED_REPORTS);
            prop_assert_eq!(done, arrived.len() == chunks as usize + 2);
        }
        prop_assert!(done);
    }
}
