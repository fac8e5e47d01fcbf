//! Collecting what many sessions want written, so that one statement writes it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// Things that wait to be written together. Whoever adds to an idle batch starts its writer, which ends when nothing is
/// left: an idle server runs no task for it.
#[derive(Debug, Default)]
pub struct Batch<T> {
    inner: Mutex<Inner<T>>,
    full: Notify,
}

#[derive(Debug, Default)]
struct Inner<T> {
    waiting: T,
    /// Something was added since it was last taken.
    dirty: bool,
    /// A writer runs.
    writing: bool,
}

/// What [`Batch::add`] asks of the caller.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Added {
    /// Nothing: a writer is on its way.
    Waits,
    /// Start a writer.
    StartWriter,
}

impl<T: Default> Batch<T> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds by `put`, which answers whether the batch is now full and should be written at once.
    pub fn add(&self, put: impl FnOnce(&mut T) -> bool) -> Added {
        let mut inner = self.lock();
        let full = put(&mut inner.waiting);
        inner.dirty = true;
        if full {
            self.full.notify_one();
        }
        if inner.writing {
            Added::Waits
        } else {
            inner.writing = true;
            Added::StartWriter
        }
    }

    /// The writer waits for more: until `window` has passed or the batch is full.
    pub async fn gather(&self, window: Duration) {
        let _ = tokio::time::timeout(window, self.full.notified()).await;
    }

    /// The writer takes everything; none when nothing waits: the writer must then end.
    pub fn take(&self) -> Option<T> {
        let mut inner = self.lock();
        if !inner.dirty {
            inner.writing = false;
            return None;
        }
        inner.dirty = false;
        Some(std::mem::take(&mut inner.waiting))
    }

    /// To be held by the writer: if it panics, the next one who adds starts another.
    pub const fn writer(&self) -> Writer<'_, T> {
        Writer(self)
    }
}

/// See [`Batch::writer`].
pub struct Writer<'a, T: Default>(&'a Batch<T>);

impl<T: Default> Drop for Writer<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().writing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writer_at_a_time_takes_everything_and_ends_when_nothing_is_left() {
        let batch = Batch::<Vec<u8>>::default();
        let put = |n: u8| {
            move |all: &mut Vec<u8>| {
                all.push(n);
                false
            }
        };
        assert_eq!(batch.add(put(1)), Added::StartWriter);
        assert_eq!(batch.add(put(2)), Added::Waits);
        assert_eq!(batch.take(), Some(vec![1, 2]));
        assert_eq!(batch.add(put(3)), Added::Waits, "the writer has not ended yet");
        assert_eq!(batch.take(), Some(vec![3]));
        assert_eq!(batch.take(), None);
        assert_eq!(batch.add(put(4)), Added::StartWriter);
    }

    #[tokio::test]
    async fn a_full_batch_does_not_wait() {
        let batch = Batch::<Vec<u8>>::default();
        let _ = batch.add(|_| true);
        let gathered = batch.gather(Duration::from_secs(60));
        assert!(tokio::time::timeout(Duration::from_secs(5), gathered).await.is_ok());
    }
}
