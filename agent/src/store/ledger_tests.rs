use super::*;
use crate::core::journal::Phase;
use crate::store::journal_file::JOURNAL;
use chrono::TimeDelta;
use gururmm_protocol::command::{Knowledge, Outcome};
use tempfile::TempDir;

const A: Uuid = Uuid::from_u128(1);
const B: Uuid = Uuid::from_u128(2);

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn expires_at() -> DateTime<Utc> {
    now() + TimeDelta::hours(1)
}

fn accepted(id: Uuid) -> Record {
    Record::Accepted { id, expires_at: expires_at() }
}

fn started(id: Uuid) -> Record {
    Record::Started { id, expires_at: expires_at(), started_at: now() }
}

fn result() -> CommandResult {
    CommandResult::bare(Outcome::Succeeded, None, now())
}

/// The data directory of a machine that was just enrolled.
fn enrolled() -> (TempDir, DataDir) {
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(temp.path()).unwrap();
    JournalFile::create(&dir, false).unwrap();
    (temp, dir)
}

fn text(dir: &DataDir) -> String {
    std::fs::read_to_string(dir.join(JOURNAL)).unwrap()
}

#[test]
fn a_damaged_line_makes_commands_of_before_the_next_handshake_doubtful_for_good() {
    let (_temp, dir) = enrolled();
    let mut ledger = Ledger::open(&dir, now()).unwrap();
    for id in [A, B] {
        ledger.record(accepted(id)).unwrap();
        ledger.record(started(id)).unwrap();
    }
    drop(ledger);
    std::fs::write(dir.join(JOURNAL), text(&dir).replacen("started", "st\u{0}rted", 1)).unwrap();
    // The machine's own clock, which may be anything, does not matter.
    let mut ledger = Ledger::open(&dir, now() + TimeDelta::days(1_000)).unwrap();
    assert!(ledger.journal().is_doubtful(now() + TimeDelta::days(2_000)));
    ledger.date_damage(now()).unwrap();
    for _ in 0..2 {
        assert!(ledger.journal().is_doubtful(now()));
        assert!(!ledger.journal().is_doubtful(now() + TimeDelta::seconds(1)));
        ledger.date_damage(now() + TimeDelta::days(1)).unwrap();
        drop(ledger);
        ledger = Ledger::open(&dir, now()).unwrap();
    }
}

#[test]
fn a_journal_that_is_gone_is_damage_and_a_new_enrollment_does_not_hide_it() {
    let (_temp, dir) = enrolled();
    assert!(!Ledger::open(&dir, now()).unwrap().journal().is_doubtful(now()));
    std::fs::remove_file(dir.join(JOURNAL)).unwrap();
    assert!(Ledger::open(&dir, now()).unwrap().journal().is_doubtful(now()));
    std::fs::remove_file(dir.join(JOURNAL)).unwrap();
    JournalFile::create(&dir, true).unwrap();
    assert!(Ledger::open(&dir, now()).unwrap().journal().is_doubtful(now()));
}

#[test]
fn a_torn_last_line_loses_only_itself() {
    let (_temp, dir) = enrolled();
    let mut ledger = Ledger::open(&dir, now()).unwrap();
    ledger.record(accepted(A)).unwrap();
    ledger.record(started(A)).unwrap();
    ledger.append(A, OutputStream::Stdout, "x".into()).unwrap();
    ledger.record(accepted(B)).unwrap();
    drop(ledger);
    std::fs::write(dir.join(JOURNAL), text(&dir) + r#"{"record":"started","id":"00000000"#).unwrap();

    let mut ledger = Ledger::open(&dir, now()).unwrap();
    let Some(Phase::Finished { result, acknowledged: false }) = ledger.journal().phase(A) else { panic!() };
    assert_eq!((result.outcome, result.output_chunks), (Outcome::Unknown, 1));
    assert_eq!(ledger.journal().knowledge(B), Knowledge::NeverHad);
    assert!(matches!(ledger.output(A, 0), Some(CommandEvent::Output { .. })));
    ledger.acknowledge(A).unwrap();
    assert_eq!(ledger.output(A, 0), None);
    drop(ledger);
    let ledger = Ledger::open(&dir, now()).unwrap();
    assert!(matches!(ledger.journal().phase(A), Some(Phase::Finished { acknowledged: true, .. })));
}

#[test]
fn a_journal_that_needs_no_change_is_not_written() {
    let (_temp, dir) = enrolled();
    let mut ledger = Ledger::open(&dir, now()).unwrap();
    ledger.record(accepted(B)).unwrap();
    ledger.finish(B, expires_at(), result()).unwrap();
    ledger.record(Record::Acted { id: A, expires_at: expires_at() }).unwrap();
    drop(ledger);
    let before = text(&dir);
    Ledger::open(&dir, now()).unwrap();
    assert_eq!(text(&dir), before);
}

#[test]
fn a_journal_that_cannot_be_rewritten_is_continued_behind_what_is_whole() {
    let (_temp, dir) = enrolled();
    let mut ledger = Ledger::open(&dir, now()).unwrap();
    ledger.record(accepted(A)).unwrap();
    ledger.record(started(A)).unwrap();
    drop(ledger);
    std::fs::write(dir.join(JOURNAL), text(&dir) + r#"{"record":"acc"#).unwrap();
    // Where the new file would be written.
    let obstacle = dir.join("journal.new");
    std::fs::create_dir(&obstacle).unwrap();

    let mut ledger = Ledger::open(&dir, now()).unwrap();
    assert!(ledger.trouble().is_some_and(|trouble| trouble.contains(JOURNAL)));
    assert!(matches!(ledger.journal().phase(A), Some(Phase::Finished { .. })));
    ledger.record(accepted(B)).unwrap();
    assert_eq!(ledger.trouble(), None);
    ledger.finish(B, expires_at(), result()).unwrap();
    drop(ledger);
    std::fs::remove_dir(obstacle).unwrap();
    let ledger = Ledger::open(&dir, now()).unwrap();
    assert_eq!((ledger.journal().len(), ledger.trouble()), (2, None));
    assert!(!ledger.journal().is_doubtful(now()));
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_nothing_is_half_written_and_what_is_so_anyway_is_remembered() {
    let (_temp, dir) = enrolled();
    let mut ledger = Ledger::open(&dir, now()).unwrap();
    let reserve = dir.join("reserve");
    ledger.file.fill_disk_once();
    ledger.record(accepted(A)).unwrap();
    assert!(!reserve.exists(), "the space that was set aside made it possible");
    ledger.append(A, OutputStream::Stdout, "x".into()).unwrap();

    ledger.file.fill_disk_once();
    assert!(ledger.record(started(A)).is_err());
    assert_eq!(ledger.journal().phase(A), Some(&Phase::Waiting));
    assert!(ledger.trouble().is_some());
    ledger.file.fill_disk_once();
    assert!(ledger.finish(A, expires_at(), result()).is_err());
    assert_eq!(ledger.journal().knowledge(A), Knowledge::Finished);
    ledger.file.fill_disk_once();
    assert!(ledger.acknowledge(A).is_err());
    assert_eq!(ledger.output(A, 0), None, "the stored output is the first that gives way");
    assert!(ledger.journal().undelivered().is_empty());

    ledger.prune(now()).unwrap();
    assert!(ledger.trouble().is_none() && reserve.exists());
    drop(ledger);
    let ledger = Ledger::open(&dir, now()).unwrap();
    assert!(matches!(ledger.journal().phase(A), Some(Phase::Finished { acknowledged: true, .. })));
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_full_disk_refused_is_written_with_the_next_step_that_it_takes() {
    let (_temp, dir) = enrolled();
    let mut ledger = Ledger::open(&dir, now()).unwrap();
    ledger.record(accepted(A)).unwrap();
    ledger.record(started(A)).unwrap();
    // The first time costs the space that was set aside.
    ledger.file.fill_disk_once();
    ledger.record(accepted(B)).unwrap();
    ledger.file.fill_disk_once();
    assert!(ledger.finish(A, expires_at(), result()).is_err());
    ledger.acknowledge(A).unwrap();
    drop(ledger);
    let ledger = Ledger::open(&dir, now()).unwrap();
    let Some(Phase::Finished { result, acknowledged: true }) = ledger.journal().phase(A) else { panic!() };
    assert_eq!(result.outcome, Outcome::Succeeded);
}

#[test]
fn records_after_a_rewriting_are_in_the_new_file() {
    let (_temp, dir) = enrolled();
    let mut ledger = Ledger::open(&dir, now()).unwrap();
    ledger.compact().unwrap();
    ledger.finish(A, expires_at(), result()).unwrap();
    drop(ledger);
    assert_eq!(Ledger::open(&dir, now()).unwrap().journal().len(), 1);
}
