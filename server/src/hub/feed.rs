//! What the dashboards of this process are told, numbered and held for a while: who was away for a moment is told what they
//! missed.
//!
//! A bus delivers into the feed of every process: directly where there is one, else as messages arrive. So numbers are of one
//! process, from its start to its end, and mean nothing to another.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use super::bus::DashboardEvent;

/// Events that are held: what a fleet of 10,000 agents with a reading each minute tells in a minute and a half, in about a
/// megabyte.
const HELD: usize = 16_384;
/// Events that a slow listener may lag behind.
const LAG: usize = 4_096;

/// An event with its number: 1, 2, 3 ... in the order of delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    /// The number.
    pub number: u64,
    /// The event.
    pub event: DashboardEvent,
}

/// What the dashboards of this process are told.
pub struct Feed {
    held: Mutex<Held>,
    sender: broadcast::Sender<Numbered>,
}

struct Held {
    events: VecDeque<Numbered>,
    /// Number of the latest event; 0 before the first.
    latest: u64,
}

/// Somebody who listens from now on.
pub struct Listening {
    /// Events from now on; a receiver that lags is told so, and must fetch anew.
    pub receiver: broadcast::Receiver<Numbered>,
    /// The latest event before.
    pub latest: u64,
    /// What came after the number that was asked for, and no more than that; none when it is not held any more, or never
    /// was.
    pub missed: Option<Vec<Numbered>>,
}

impl Default for Feed {
    fn default() -> Self {
        let held = Mutex::new(Held { events: VecDeque::new(), latest: 0 });
        Self { held, sender: broadcast::Sender::new(LAG) }
    }
}

impl Feed {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells every listener, and holds it for those who come back.
    pub fn deliver(&self, event: DashboardEvent) {
        // Sent under the lock: the order of the numbers is that of the receivers, and who begins to listen misses none.
        let mut held = self.held();
        held.latest += 1;
        let numbered = Numbered { number: held.latest, event };
        held.events.push_back(numbered);
        if held.events.len() > HELD {
            held.events.pop_front();
        }
        // Nobody listening is fine.
        let _ = self.sender.send(numbered);
    }

    /// Begins to listen, to what comes from now on.
    #[must_use]
    pub fn listen(&self) -> Listening {
        self.listen_after(None)
    }

    /// Begins to listen after the event of this number. Between what was missed and what comes there is no gap, and nothing
    /// is in both.
    #[must_use]
    pub fn listen_after(&self, number: Option<u64>) -> Listening {
        let held = self.held();
        let oldest = held.events.front().map_or(held.latest + 1, |event| event.number);
        let is_held = |number: &u64| *number <= held.latest && *number + 1 >= oldest;
        let missed = number.filter(is_held).map(|number| {
            let first = held.events.partition_point(|event| event.number <= number);
            held.events.range(first..).copied().collect()
        });
        Listening { receiver: self.sender.subscribe(), latest: held.latest, missed }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use tokio::sync::broadcast::error::TryRecvError;
    use uuid::Uuid;

    use super::*;

    fn fleet(n: u64) -> DashboardEvent {
        DashboardEvent::Fleet { organization_id: Uuid::from_u128(n.into()) }
    }

    fn numbers(missed: Option<Vec<Numbered>>) -> Option<Vec<u64>> {
        missed.map(|events| events.into_iter().map(|event| event.number).collect())
    }

    #[test]
    fn what_was_missed_is_told_as_long_as_it_is_held() {
        let feed = Feed::default();
        assert_eq!(numbers(feed.listen_after(Some(0)).missed), Some(vec![]));
        assert_eq!(numbers(feed.listen_after(Some(1)).missed), None, "what never was");
        assert_eq!(numbers(feed.listen().missed), None, "nothing was asked for");
        for n in 1..=5 {
            feed.deliver(fleet(n));
        }
        let listening = feed.listen_after(Some(3));
        assert_eq!(listening.missed.unwrap(), [4, 5].map(|number| Numbered { number, event: fleet(number) }));
        assert_eq!(listening.latest, 5);
        assert_eq!(numbers(feed.listen_after(Some(5)).missed), Some(vec![]));
        assert_eq!(numbers(feed.listen_after(Some(u64::MAX)).missed), None);
        for n in 0..u64::try_from(HELD).unwrap() - 2 {
            feed.deliver(fleet(n));
        }
        assert_eq!(numbers(feed.listen_after(Some(3)).missed).map(|all| (all[0], all.len())), Some((4, HELD)));
        feed.deliver(fleet(0));
        assert_eq!(numbers(feed.listen_after(Some(3)).missed), None, "one is held no more");
        assert!(feed.listen_after(Some(4)).missed.is_some());
    }

    #[test]
    fn between_the_missed_and_the_coming_there_is_no_gap_and_nothing_twice() {
        const EVENTS: u64 = 12_000;
        let feed = Arc::new(Feed::default());
        let publishers = (0..3).map(|_| {
            let feed = Arc::clone(&feed);
            thread::spawn(move || (0..EVENTS / 3).for_each(|n| feed.deliver(fleet(n))))
        });
        let publishers: Vec<_> = publishers.collect();
        let listeners = (0..2).map(|_| {
            let feed = Arc::clone(&feed);
            thread::spawn(move || {
                let mut heard: Vec<u64> = Vec::new();
                while heard.len() < usize::try_from(EVENTS).unwrap() {
                    let mut listening = feed.listen_after(Some(heard.last().copied().unwrap_or(0)));
                    heard.extend(numbers(listening.missed).expect("everything is held"));
                    // A few of what comes, then the connection breaks.
                    for _ in 0..7 {
                        match listening.receiver.try_recv() {
                            Ok(event) => heard.push(event.number),
                            Err(TryRecvError::Empty) => thread::yield_now(),
                            Err(_) => break,
                        }
                    }
                }
                heard
            })
        });
        let listeners: Vec<_> = listeners.collect();
        for publisher in publishers {
            publisher.join().unwrap();
        }
        for listener in listeners {
            assert_eq!(listener.join().unwrap(), (1..=EVENTS).collect::<Vec<_>>());
        }
    }
}
