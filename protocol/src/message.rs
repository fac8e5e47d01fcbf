//! The messages of an established session, and how they are read.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::command::{CommandEvent, CommandStatus};
use crate::envelope::{Refusal, SignedEnvelope};
use crate::handshake::{Challenge, Hello, Rejected, Welcome};
use crate::inventory::InventoryReport;
use crate::readings::Reading;

/// What the server says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToAgent {
    /// First message of a connection.
    Challenge(Challenge),
    /// The handshake is over.
    Welcome(Welcome),
    /// The connection ends.
    Rejected(Rejected),
    /// These reports are stored for good (or can never be: see `refused`); the agent forgets them.
    Ack {
        /// Sequence numbers of reports.
        seqs: Vec<u64>,
    },
    /// A report cannot be taken and must not be sent again.
    Refused {
        /// Its sequence number.
        seq: u64,
        /// Why, in words.
        message: String,
    },
    /// Something to do.
    Envelope(SignedEnvelope),
    /// What does the agent know of these commands? Answered by [`FromAgent::CommandStatus`].
    QueryCommands {
        /// Commands the server has sent at some time and has no end of.
        ids: Vec<Uuid>,
    },
    /// A message of a newer server: ignored.
    #[serde(other)]
    Unknown,
}

/// What the agent says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromAgent {
    /// Answer to the challenge.
    Hello(Hello),
    /// Something to store; sent again in a later session until acknowledged.
    Report {
        /// Unique within the session.
        seq: u64,
        /// The content.
        report: Report,
    },
    /// Answer to [`ToAgent::QueryCommands`]: one entry for each id asked for.
    CommandStatus {
        /// What the agent knows.
        commands: Vec<CommandStatus>,
    },
    /// An envelope was refused: nothing was done.
    EnvelopeRefused {
        /// The id that the envelope claimed, if it could be read.
        id: Option<Uuid>,
        /// Why.
        refusal: Refusal,
    },
    /// A message of a newer agent: ignored.
    #[serde(other)]
    Unknown,
}

/// What is stored of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Report {
    /// Sections of the inventory.
    Inventory(InventoryReport),
    /// Measurements, oldest first.
    Readings {
        /// One per minute.
        readings: Vec<Reading>,
    },
    /// A step in a command's life.
    Command {
        /// The command.
        id: Uuid,
        /// What happened.
        event: CommandEvent,
    },
    /// The agent has obeyed a decommission envelope; it will not come back.
    Decommissioned {
        /// The envelope's id.
        envelope_id: Uuid,
    },
    /// A report of a newer agent: refused, not stored.
    #[serde(other)]
    Unknown,
}

/// A message could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct Unreadable {
    /// The report's sequence number, if that much could be read: the sender can then be told.
    pub seq: Option<u64>,
    /// What is wrong.
    pub problem: String,
}

impl FromAgent {
    /// Reads one text frame.
    ///
    /// # Errors
    /// [`Unreadable`], with the report's number where it can be found, so that one bad report can be refused without
    /// ending the session.
    pub fn decode(text: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Numbered {
            seq: u64,
        }
        serde_json::from_str(text).map_err(|error| Unreadable {
            seq: serde_json::from_str::<Numbered>(text).ok().map(|numbered| numbered.seq),
            problem: error.to_string(),
        })
    }

    /// The frame's text.
    ///
    /// # Errors
    /// Only if the message cannot be written as JSON, which no value of these types causes.
    pub fn encode(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

impl ToAgent {
    /// Reads one text frame.
    ///
    /// # Errors
    /// [`Unreadable`] when it is not a message.
    pub fn decode(text: &str) -> Result<Self, Unreadable> {
        serde_json::from_str(text).map_err(|error| Unreadable { seq: None, problem: error.to_string() })
    }

    /// The frame's text.
    ///
    /// # Errors
    /// Only if the message cannot be written as JSON, which no value of these types causes.
    pub fn encode(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_types_and_fields_are_ignored() {
        assert_eq!(ToAgent::decode(r#"{"type":"from_the_future","x":[1]}"#).unwrap(), ToAgent::Unknown);
        assert_eq!(FromAgent::decode(r#"{"type":"from_the_future"}"#).unwrap(), FromAgent::Unknown);
        assert_eq!(
            ToAgent::decode(r#"{"type":"ack","seqs":[1],"later":true}"#).unwrap(),
            ToAgent::Ack { seqs: vec![1] }
        );
        assert_eq!(
            FromAgent::decode(r#"{"type":"report","seq":4,"report":{"kind":"novel","x":1}}"#).unwrap(),
            FromAgent::Report { seq: 4, report: Report::Unknown }
        );
    }

    #[test]
    fn a_bad_report_still_gives_its_number() {
        let error =
            FromAgent::decode(r#"{"type":"report","seq":9,"report":{"kind":"readings","readings":7}}"#).unwrap_err();
        assert_eq!(error.seq, Some(9));
        assert_eq!(FromAgent::decode("nonsense").unwrap_err().seq, None);
    }
}
