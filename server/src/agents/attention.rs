//! When a machine needs somebody: the one rule of it, and how it reads. (The rule as SQL is `store_attention`.)

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::inventory::VolumeUse;

/// A server is missed after this long.
pub const SERVER_MISSED: TimeDelta = TimeDelta::minutes(10);
/// People switch their machines off and take them home: any other machine is missed after this long.
pub const OTHER_MISSED: TimeDelta = TimeDelta::days(7);
/// A machine that enrolled connects within seconds. After this long something is in its way.
pub const FIRST_CONNECTION: TimeDelta = TimeDelta::hours(1);
/// A volume is nearly full from this share on, in percent.
pub const NEARLY_FULL: i64 = 92;

/// Why an agent needs somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttentionReason {
    /// Two machines use its key.
    Quarantined,
    /// Another record of the organization seems to be the same machine.
    Clash,
    /// Not connected for longer than its role allows.
    Offline,
    /// Enrolled, and never connected.
    NeverConnected,
    /// A volume is nearly full.
    VolumeFull,
    /// Waits for a restart.
    PendingReboot,
}

impl AttentionReason {
    /// All of them, the most urgent first: the [`Self::severe`] ones before the others.
    pub const ALL: [Self; 6] =
        [Self::Quarantined, Self::Offline, Self::VolumeFull, Self::Clash, Self::NeverConnected, Self::PendingReboot];

    /// Whether it is about a machine that fails now or is about to. The others can wait until somebody has time.
    #[must_use]
    pub const fn severe(self) -> bool {
        matches!(self, Self::Quarantined | Self::Offline | Self::VolumeFull)
    }

    /// The reason in words, of several agents. ([`Attention::of`] has those of one, with its facts.)
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Quarantined => "Two machines use one key",
            Self::Clash => "Seem to be enrolled twice",
            Self::Offline => "Offline for too long",
            Self::NeverConnected => "Enrolled, never connected",
            Self::VolumeFull => "A volume is nearly full",
            Self::PendingReboot => "Wait for a restart",
        }
    }
}

/// Which agents that need somebody a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttentionFilter {
    /// For whatever reason.
    Any,
    /// Two machines use its key.
    Quarantined,
    /// Another record of the organization seems to be the same machine.
    Clash,
    /// Not connected for longer than its role allows.
    Offline,
    /// Enrolled, and never connected.
    NeverConnected,
    /// A volume is nearly full.
    VolumeFull,
    /// Waits for a restart.
    PendingReboot,
}

impl AttentionFilter {
    /// The reasons of which one is enough.
    #[must_use]
    pub const fn reasons(self) -> &'static [AttentionReason] {
        match self {
            Self::Any => &AttentionReason::ALL,
            Self::Quarantined => &[AttentionReason::Quarantined],
            Self::Clash => &[AttentionReason::Clash],
            Self::Offline => &[AttentionReason::Offline],
            Self::NeverConnected => &[AttentionReason::NeverConnected],
            Self::VolumeFull => &[AttentionReason::VolumeFull],
            Self::PendingReboot => &[AttentionReason::PendingReboot],
        }
    }
}

/// One reason for which an agent needs somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Attention {
    /// The reason.
    pub reason: AttentionReason,
    /// The reason in words.
    pub words: String,
    /// Since when, as far as the server was told; null where it was not.
    pub since: Option<DateTime<Utc>>,
}

/// What the words are made of.
pub struct Facts<'a> {
    /// It is a server or a domain controller.
    pub is_server: bool,
    /// Since when the record is in its state.
    pub state_since: DateTime<Utc>,
    /// When it enrolled.
    pub enrolled_at: DateTime<Utc>,
    /// Since when its presence is what it is.
    pub presence_since: Option<DateTime<Utc>>,
    /// The fullest volume.
    pub worst_volume: Option<&'a VolumeUse>,
    /// Since when readings have said that a volume is nearly full.
    pub nearly_full_since: Option<DateTime<Utc>>,
    /// Since when it has been said that a restart is pending.
    pub pending_reboot_since: Option<DateTime<Utc>>,
}

impl Attention {
    /// A reason that holds for an agent, in words.
    #[must_use]
    pub fn of(reason: AttentionReason, facts: &Facts<'_>) -> Self {
        let (words, since) = match reason {
            AttentionReason::Quarantined => ("Two machines use its key".to_owned(), Some(facts.state_since)),
            AttentionReason::Clash => ("Seems to be enrolled twice".to_owned(), Some(facts.enrolled_at)),
            AttentionReason::Offline if facts.is_server => {
                (format!("Server offline over {} min", SERVER_MISSED.num_minutes()), facts.presence_since)
            }
            AttentionReason::Offline => {
                (format!("Offline over {} days", OTHER_MISSED.num_days()), facts.presence_since)
            }
            AttentionReason::NeverConnected => ("Enrolled, never connected".to_owned(), Some(facts.enrolled_at)),
            AttentionReason::VolumeFull => {
                (facts.worst_volume.map(volume_words).unwrap_or_default(), facts.nearly_full_since)
            }
            AttentionReason::PendingReboot => ("Waits for a restart".to_owned(), facts.pending_reboot_since),
        };
        Self { reason, words, since }
    }
}

fn volume_words(volume: &VolumeUse) -> String {
    // Rounded down, as the dashboard does: what reads 92 % has reached the bound, and what reads 100 % has no room at all.
    let percent = i128::from(volume.used_bytes) * 100 / i128::from(volume.total_bytes.max(1));
    format!("{} is {percent} % full", volume.mount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severe_reasons_come_before_the_others() {
        assert!(AttentionReason::ALL.is_sorted_by_key(|reason| !reason.severe()));
    }
}
