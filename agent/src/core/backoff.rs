//! When to come back after a session has ended or could not be opened.

use std::time::Duration;

use gururmm_protocol::handshake::RejectCode;

/// Wait before the first new attempt.
pub const FIRST: Duration = Duration::from_secs(1);
/// Longest wait that failures alone lead to.
pub const LONGEST: Duration = Duration::from_secs(300);
/// Longest wait of its own beside a pause that the server asks for: who says when to come is there, and has room then.
const LONGEST_BESIDE: Duration = Duration::from_secs(30);
/// A session that lasted this long counts as stable: the next failure starts from [`FIRST`] again.
pub const STABLE: Duration = Duration::from_secs(60);
/// Wait after the server has said that it does not know the key: only a person can change that.
pub const UNKNOWN_KEY: Duration = Duration::from_secs(3_600);
/// Wait after a newer connection with the same key has taken over.
pub const DISPLACED: Duration = Duration::from_secs(60);
/// Longest wait that a server may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 3_600);

/// Why there is no session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The server could not be reached, or the connection broke.
    Failed {
        /// A pause that the server asked for (HTTP `Retry-After`).
        retry_after: Option<Duration>,
    },
    /// The server closed the connection with a reason.
    Rejected {
        /// The reason.
        code: RejectCode,
        /// A pause that the server asked for.
        retry_after: Option<Duration>,
    },
}

/// Exponential backoff with jitter.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How long to wait now. `session` is how long the session had lasted (zero when none was opened), `fraction` a
    /// random number from 0 to 1.
    pub fn next(&mut self, ending: &Ending, session: Duration, fraction: f64) -> Duration {
        if session >= STABLE {
            self.failures = 0;
        }
        let (Ending::Failed { retry_after: asked } | Ending::Rejected { retry_after: asked, .. }) = ending;
        let longest = if asked.is_some() { LONGEST_BESIDE } else { LONGEST };
        let doubled = FIRST.saturating_mul(1_u32.checked_shl(self.failures.min(16)).unwrap_or(u32::MAX)).min(longest);
        self.failures = self.failures.saturating_add(1);
        let spread = |base: Duration| base.mul_f64(0.5 + fraction.clamp(0.0, 1.0) / 2.0);
        // A pause that somebody asked for is kept in full; jitter only adds to it, so that a fleet does not return at once.
        let at_least = |base: Duration| base + base.mul_f64(fraction.clamp(0.0, 1.0) / 4.0);
        let grown = spread(doubled);
        let usual = match ending {
            Ending::Failed { .. } => grown,
            Ending::Rejected { code, .. } => match code {
                RejectCode::UnknownKey | RejectCode::BadProof | RejectCode::ProtocolUnsupported => {
                    at_least(UNKNOWN_KEY)
                }
                RejectCode::Quarantined => at_least(LONGEST),
                RejectCode::Displaced => at_least(DISPLACED),
                RejectCode::Busy | RejectCode::ShuttingDown | RejectCode::ProtocolViolation | RejectCode::Other => {
                    grown
                }
            },
        };
        // Whoever says "at once" again and again is not obeyed ever faster.
        asked.map_or(usual, |asked| grown.max(at_least(asked.min(LONGEST_ASKED))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BROKEN: Ending = Ending::Failed { retry_after: None };

    #[test]
    fn failures_double_the_wait_up_to_five_minutes_and_a_stable_session_resets_it() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..12).map(|_| backoff.next(&BROKEN, Duration::ZERO, 1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(backoff.next(&BROKEN, STABLE, 1.0), FIRST);
    }

    #[test]
    fn what_the_server_asks_for_is_kept() {
        let rejected =
            |code, seconds: Option<u64>| Ending::Rejected { code, retry_after: seconds.map(Duration::from_secs) };
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(&rejected(RejectCode::Quarantined, Some(300)), Duration::ZERO, 0.0).as_secs(), 300);
        assert_eq!(backoff.next(&rejected(RejectCode::UnknownKey, None), Duration::ZERO, 0.0).as_secs(), 3_600);
        assert_eq!(backoff.next(&rejected(RejectCode::Displaced, None), Duration::ZERO, 0.0).as_secs(), 60);
        assert_eq!(
            backoff.next(&Ending::Failed { retry_after: Some(Duration::from_secs(7)) }, Duration::ZERO, 0.0).as_secs(),
            7
        );
    }

    #[test]
    fn a_pause_of_nothing_does_not_keep_the_wait_from_growing() {
        let at_once = Ending::Failed { retry_after: Some(Duration::ZERO) };
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..8).map(|_| backoff.next(&at_once, Duration::ZERO, 1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_zero_nor_over_a_day_and_a_quarter(failures in 0_u32..200, fraction in 0.0_f64..1.0, asked in proptest::option::of(0_u64..10_000_000)) {
            let mut backoff = Backoff { failures };
            let wait = backoff.next(&Ending::Failed { retry_after: asked.map(Duration::from_secs) }, Duration::ZERO, fraction);
            prop_assert!(wait >= Duration::from_millis(500));
            prop_assert!(wait <= LONGEST_ASKED.mul_f64(1.25));
        }
    }
}
