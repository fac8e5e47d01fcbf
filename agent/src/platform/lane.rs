//! Calls into parts of the system that may never return: one at a time, each with a deadline.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Why a call gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// It did not return in time. Its thread is left to itself.
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
    /// It was not made: too many earlier calls have not returned yet.
    #[error("earlier questions are still without an answer")]
    Stuck,
    /// It panicked, or no thread could be started.
    #[error("the question could not be asked")]
    Failed,
}

/// A lane for calls. Each has a thread of its own, so that one that hangs can be left behind; they wait for each other,
/// so that there are never more threads than those that hang and one.
#[derive(Debug)]
pub struct Lane {
    name: &'static str,
    most_hanging: usize,
    turn: Mutex<()>,
    /// Calls that have not returned.
    under_way: AtomicUsize,
}

impl Lane {
    /// A lane that is closed while this many calls hang, and opens again when one of them returns.
    #[must_use]
    pub const fn new(name: &'static str, most_hanging: usize) -> Self {
        Self { name, most_hanging, turn: Mutex::new(()), under_way: AtomicUsize::new(0) }
    }

    /// Makes a call when its turn has come, and waits for the answer until the deadline.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub fn call<T: Send + 'static>(
        &'static self,
        deadline: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.under_way.load(Ordering::SeqCst) >= self.most_hanging {
            return Err(NoAnswer::Stuck);
        }
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let (under_way, (done, answer)) = (UnderWay(self), sync_channel(1));
        std::thread::Builder::new()
            .name(self.name.to_owned())
            .spawn(move || {
                let value = work();
                drop(under_way);
                // Nobody listens any more when it is late.
                let _ = done.send(value);
            })
            .map_err(|_| NoAnswer::Failed)?;
        answer.recv_timeout(deadline).map_err(|error| match error {
            RecvTimeoutError::Timeout => NoAnswer::Late(deadline),
            RecvTimeoutError::Disconnected => NoAnswer::Failed,
        })
    }
}

/// Counted down however the call ends.
struct UnderWay(&'static Lane);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);
    const SHORT: Duration = Duration::from_millis(1);

    #[test]
    fn what_hangs_is_left_behind_a_bounded_number_of_times() {
        static LANE: Lane = Lane::new("test", 2);
        let hang = || {
            let ((release, released), (gone, is_gone)) = (channel::<()>(), channel::<()>());
            let late = LANE.call(SHORT, move || {
                // Dropped when the thread is over.
                let _gone = gone;
                let _ = released.recv();
            });
            assert_eq!(late, Err(NoAnswer::Late(SHORT)));
            (release, is_gone)
        };
        let first = hang();
        assert_eq!(LANE.call(LONG, || 7), Ok(7), "another one answers");
        let second = hang();
        assert_eq!(LANE.call(LONG, || 7), Err(NoAnswer::Stuck));
        for (release, is_gone) in [first, second] {
            drop(release);
            assert!(is_gone.recv().is_err());
            while LANE.under_way.load(Ordering::SeqCst) > 1 {
                std::thread::yield_now();
            }
            assert_eq!(LANE.call(LONG, || 7), Ok(7), "open again");
        }
    }

    #[test]
    fn a_panic_costs_only_its_own_answer() {
        static LANE: Lane = Lane::new("test", 1);
        assert_eq!(LANE.call(LONG, || panic!("for a test")), Err::<(), _>(NoAnswer::Failed));
        while LANE.under_way.load(Ordering::SeqCst) > 0 {
            std::thread::yield_now();
        }
        assert_eq!(LANE.call(LONG, || 7), Ok(7));
    }
}
