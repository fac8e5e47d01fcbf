//! Where a dashboard stands in the hints: it gives that back when it returns, and is told what came after.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Up to here, everything was told. Written as `<boot>-<number>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The process, from its start to its end.
    pub boot: Uuid,
    /// Number of the event in its feed.
    pub number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.boot.simple(), self.number)
    }
}

/// The text is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position of an event stream")]
pub struct NoPosition;

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let (boot, number) = text.rsplit_once('-').ok_or(NoPosition)?;
        let boot = Uuid::try_parse(boot).map_err(|_| NoPosition)?;
        Ok(Self { boot, number: number.parse().map_err(|_| NoPosition)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_and_nonsense_is_none() {
        let position = Position { boot: Uuid::from_u128(7), number: 12 };
        assert_eq!(position.to_string(), "00000000000000000000000000000007-12");
        assert_eq!(position.to_string().parse(), Ok(position));
        for text in ["", "-", "12", "x-12", "00000000000000000000000000000007", "00000000000000000000000000000007--1"] {
            assert_eq!(text.parse::<Position>(), Err(NoPosition), "{text}");
        }
    }
}
