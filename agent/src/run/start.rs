//! Starting a process on a thread of its own: a program or a directory on a disk that answers nobody makes the start hang,
//! and the agent must not hang with it.
//!
//! It is done in two steps. Where it hangs, that is nearly always in the first one, which touches the disk and starts
//! nothing: who is given up there never starts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::sleep;

use super::Stop;

/// How long a start may take. A disk that sleeps is awake by then.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Starts that may hang; beyond it nothing is started any more until one of them returns.
pub(super) const MOST_HANGING: usize = 16;

/// Why there is no process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotStarted {
    /// It cannot be started, in words.
    Refused(String),
    /// The start hangs.
    Late,
    /// It was not even tried: too many earlier ones hang.
    TooMany,
    /// It was stopped meanwhile.
    Stopped(Stop),
}

/// Prepares and starts something, unless that takes longer than `patience` or is stopped. Nothing is started afterwards;
/// what comes of a start that had begun by then is undone.
pub(super) async fn start<P, T: Send + 'static>(
    starts: &Arc<Semaphore>,
    patience: Duration,
    prepare: impl FnOnce() -> Result<P, String> + Send + 'static,
    spawn: impl FnOnce(P) -> Result<T, String> + Send + 'static,
    undo: impl FnOnce(T) + Send + 'static,
    stopped: impl Future<Output = Stop>,
) -> Result<T, NotStarted> {
    let permit = Arc::clone(starts).try_acquire_owned().map_err(|_| NotStarted::TooMany)?;
    let (done, mut started) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let prepared = prepare();
        if done.is_closed() {
            return;
        }
        if let Err(Ok(late)) = done.send(prepared.and_then(spawn)) {
            undo(late);
        }
    });
    let given_up = tokio::select! {
        biased;
        answer = &mut started => return settle(answer.ok()),
        why = stopped => NotStarted::Stopped(why),
        () = sleep(patience) => NotStarted::Late,
    };
    // From here on the thread undoes what it starts; what it handed over before is here.
    started.close();
    started.try_recv().map_or(Err(given_up), |answer| settle(Some(answer)))
}

fn settle<T>(answer: Option<Result<T, String>>) -> Result<T, NotStarted> {
    answer.unwrap_or_else(|| Err("the start itself has failed".to_owned())).map_err(NotStarted::Refused)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::mpsc::channel;

    use super::*;

    const SHORT: Duration = Duration::from_millis(10);

    fn starts(most: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(most))
    }

    #[tokio::test]
    async fn what_starts_is_handed_over_and_what_cannot_says_why() {
        let undo = |_| panic!("nothing is undone");
        assert_eq!(start(&starts(1), PATIENCE, || Ok(6), |prepared| Ok(prepared + 1), undo, pending()).await, Ok(7));
        let refused = start(&starts(1), PATIENCE, || Err::<u8, _>("no".to_owned()), Ok, |_| {}, pending()).await;
        assert_eq!(refused, Err(NotStarted::Refused("no".to_owned())));
        let broken = || -> Result<u8, String> { panic!("for a test") };
        let broken = start(&starts(1), PATIENCE, broken, Ok, |_| {}, pending()).await;
        assert!(matches!(broken, Err(NotStarted::Refused(_))), "{broken:?}");
    }

    #[tokio::test]
    async fn a_start_that_hangs_is_given_up_counted_and_undone_when_it_comes_after_all() {
        let starts = starts(1);
        let ((release, released), (undone, is_undone)) = (channel::<()>(), channel());
        let (begun, has_begun) = oneshot::channel();
        let spawn = move |()| {
            begun.send(()).map_err(|()| "nobody waits".to_owned())?;
            released.recv().map(|()| 7).map_err(|error| error.to_string())
        };
        let undo = move |value| undone.send(value).unwrap();
        let stopped = async move {
            has_begun.await.unwrap();
            Stop::Cancelled
        };
        let late = start(&starts, PATIENCE, || Ok(()), spawn, undo, stopped).await;
        assert_eq!(late, Err(NotStarted::Stopped(Stop::Cancelled)));
        let next = start(&starts, PATIENCE, || Ok(1), Ok, |_| {}, ready(Stop::Cancelled)).await;
        assert_eq!(next, Err(NotStarted::TooMany));
        release.send(()).unwrap();
        assert_eq!(is_undone.recv(), Ok(7));
        // Its place is free as soon as its thread has ended.
        drop(starts.acquire().await.unwrap());
    }

    #[tokio::test]
    async fn who_is_given_up_before_it_was_started_never_starts() {
        let starts = starts(1);
        let (release, released) = channel::<()>();
        let prepare = move || released.recv().map_err(|error| error.to_string());
        let (spawned, is_spawned) = channel();
        let spawn = move |()| spawned.send(()).map_err(|error| error.to_string());
        assert_eq!(start(&starts, SHORT, prepare, spawn, |()| {}, pending()).await, Err(NotStarted::Late));
        release.send(()).unwrap();
        drop(starts.acquire().await.unwrap());
        assert!(is_spawned.recv().is_err(), "its thread has ended without");
    }
}
