use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;

const OUTCOMES: [Outcome; 6] =
    [Outcome::Succeeded, Outcome::Failed, Outcome::TimedOut, Outcome::Cancelled, Outcome::Expired, Outcome::Unknown];
const REFUSALS: [Refusal; 7] = [
    Refusal::Malformed,
    Refusal::UnknownKey,
    Refusal::BadSignature,
    Refusal::OtherAgent,
    Refusal::Expired,
    Refusal::OldEpoch,
    Refusal::UnknownAction,
];

fn start() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn result(outcome: Outcome, exit_code: Option<i32>) -> CommandResult {
    CommandResult {
        outcome,
        exit_code,
        signal: None,
        reason: Some("why".into()),
        started_at: None,
        finished_at: start(),
        output_chunks: 0,
        output_dropped_bytes: 0,
    }
}

fn facts(state: CommandState) -> Facts {
    Facts {
        state,
        was_sent: state != CommandState::Queued,
        cancel_requested: false,
        expires_at: start() + TimeDelta::hours(1),
        exit_code: None,
        signal: None,
    }
}

const NEVER_HAD: Event<'static> = Event::NeverHad { departed: false };

/// Every event there is, with every outcome and refusal.
fn every_event(results: &[CommandResult]) -> Vec<Event<'_>> {
    let mut events = vec![
        Event::Claim,
        Event::Unreadable,
        Event::Void,
        Event::Started,
        Event::Output,
        NEVER_HAD,
        Event::NeverHad { departed: true },
        Event::Cancel,
    ];
    events.extend(results.iter().map(Event::Finished));
    events.extend(REFUSALS.into_iter().map(Event::EnvelopeRefused));
    events
}

fn every_result() -> Vec<CommandResult> {
    OUTCOMES.into_iter().flat_map(|outcome| [result(outcome, None), result(outcome, Some(3))]).collect()
}

#[test]
fn the_table() {
    use CommandState::*;
    let now = start();
    let became = |state, event: Event<'_>| match step(&facts(state), &event, now) {
        Step::Become(next, _) => Some(next),
        _ => None,
    };
    let ok = result(Outcome::Succeeded, Some(0));
    assert_eq!(became(Queued, Event::Claim), Some(Sent));
    assert_eq!(became(Queued, Event::Cancel), Some(Cancelled));
    assert_eq!(became(Queued, Event::Unreadable), Some(Failed));
    assert_eq!(became(Queued, Event::Void), Some(Cancelled));
    assert_eq!(became(Sent, Event::Started), Some(Running));
    assert_eq!(became(Sent, Event::Output), Some(Running));
    assert_eq!(became(Sent, Event::Finished(&ok)), Some(Succeeded));
    assert_eq!(became(Running, Event::Finished(&ok)), Some(Succeeded));
    assert_eq!(became(Sent, NEVER_HAD), Some(Queued));
    assert_eq!(became(Sent, Event::NeverHad { departed: true }), Some(Cancelled));
    assert_eq!(became(Running, NEVER_HAD), Some(Unknown));
    assert_eq!(became(Sent, Event::EnvelopeRefused(Refusal::Expired)), Some(Expired));
    assert_eq!(became(Sent, Event::EnvelopeRefused(Refusal::BadSignature)), Some(Failed));
    assert_eq!(became(Unknown, Event::Finished(&ok)), Some(Succeeded));
    assert_eq!(step(&facts(Sent), &Event::Cancel, now), Step::OrderCancel);
    assert_eq!(step(&facts(Running), &Event::Cancel, now), Step::OrderCancel);
    assert!(matches!(step(&facts(Succeeded), &Event::Cancel, now), Step::Refuse(_)));
    assert_eq!(step(&facts(Cancelled), &Event::Cancel, now), Step::Nothing);
    assert_eq!(step(&facts(Cancelled), &Event::Finished(&ok), now), Step::KeepLate);
    assert_eq!(step(&facts(Expired), &Event::Finished(&ok), now), Step::KeepLate);
}

#[test]
fn what_is_over_changes_only_from_unknown_and_only_by_a_result() {
    let results = every_result();
    for state in CommandState::ALL.into_iter().filter(|state| state.is_end()) {
        for event in every_event(&results) {
            if let Step::Become(..) = step(&facts(state), &event, start()) {
                assert_eq!(state, CommandState::Unknown);
                assert!(matches!(event, Event::Finished(_)), "{event:?}");
            }
        }
    }
}

#[test]
fn only_never_had_puts_a_command_back_and_only_a_sent_one() {
    let results = every_result();
    for state in CommandState::ALL {
        for event in every_event(&results) {
            if let Step::Become(CommandState::Queued, _) = step(&facts(state), &event, start()) {
                assert_eq!(state, CommandState::Sent);
                assert!(matches!(event, Event::NeverHad { departed: false }));
            }
        }
    }
}

#[test]
fn an_agent_has_nothing_to_say_about_what_was_never_sent() {
    let results = every_result();
    for state in CommandState::ALL {
        let facts = Facts { was_sent: false, ..facts(state) };
        for event in every_event(&results) {
            if matches!(event, Event::Started | Event::Output | Event::Finished(_))
                && !matches!(state, CommandState::Sent | CommandState::Running)
            {
                assert!(matches!(step(&facts, &event, start()), Step::Refuse(_)), "{state:?} {event:?}");
            }
        }
    }
}

#[test]
fn never_had_honours_a_cancel_and_the_expiry() {
    let sent = facts(CommandState::Sent);
    let cancelled = Facts { cancel_requested: true, ..sent };
    assert!(matches!(step(&cancelled, &NEVER_HAD, start()), Step::Become(CommandState::Cancelled, Some(_))));
    let late = sent.expires_at;
    assert!(matches!(step(&sent, &NEVER_HAD, late), Step::Become(CommandState::Expired, Some(_))));
    assert!(matches!(
        step(&facts(CommandState::Queued), &Event::Claim, late),
        Step::Become(CommandState::Expired, Some(_))
    ));
    // A result counts whenever it comes: it says what happened.
    let ok = result(Outcome::Succeeded, Some(0));
    assert!(matches!(step(&sent, &Event::Finished(&ok), late), Step::Become(CommandState::Succeeded, _)));
}

/// The command as the stores keep it.
fn apply(facts: &mut Facts, late: &mut u32, event: &Event<'_>, now: DateTime<Utc>) -> Step {
    let taken = step(facts, event, now);
    match &taken {
        Step::Become(state, _) => {
            facts.state = *state;
            facts.was_sent = facts.was_sent || *state == CommandState::Sent;
            if let Event::Finished(result) = event {
                (facts.exit_code, facts.signal) = (result.exit_code, result.signal);
            }
        }
        Step::OrderCancel => facts.cancel_requested = true,
        Step::KeepLate => *late += 1,
        Step::Nothing | Step::Refuse(_) => {}
    }
    taken
}

proptest! {
    #[test]
    fn any_history_ends_once_and_is_sent_again_only_after_never_had(picks in prop::collection::vec((0usize..25, 0i64..300), 0..60)) {
        let results = every_result();
        let events = every_event(&results);
        let (mut facts, mut late, mut now) = (facts(CommandState::Queued), 0, start());
        let (mut claims, mut put_back, mut ends) = (0, 0, Vec::new());
        for (pick, seconds) in picks {
            now += TimeDelta::seconds(seconds);
            let before = facts.state;
            let event = &events[pick % events.len()];
            let taken = apply(&mut facts, &mut late, event, now);
            if let Step::Become(state, reason) = taken {
                prop_assert_ne!(state, before, "a transition goes somewhere");
                match state {
                    CommandState::Sent => claims += 1,
                    CommandState::Queued => put_back += 1,
                    state if state.is_end() => {
                        ends.push(state);
                        prop_assert!(matches!(state, CommandState::Succeeded) || reason.is_some());
                    }
                    _ => {}
                }
                // The same event again changes nothing more (what was claimed waits for the agent).
                let again = apply(&mut facts.clone(), &mut 0, event, now);
                prop_assert!(!matches!(again, Step::Become(..)) || matches!(event, Event::NeverHad { .. }), "{:?} {:?}", event, again);
            }
            prop_assert!(claims <= put_back + 1);
        }
        // One end, or `unknown` and then what really happened.
        prop_assert!(ends.len() <= 2);
        if let [first, _] = ends[..] {
            prop_assert_eq!(first, CommandState::Unknown);
        }
    }
}
