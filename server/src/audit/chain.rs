//! The chain's arithmetic: what a row's hash covers, and what a head's signature covers.

use chrono::{DateTime, Utc};
use ed25519_dalek::SigningKey;
use gururmm_protocol::crypto::{PublicKey, SignatureBytes, Transcript, sha256};
use uuid::Uuid;

/// SHA-256.
pub type Hash = [u8; 32];

/// What the first row is chained to.
pub const START: Hash = [0; 32];

/// A row of the audit log, every column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainRow {
    /// Id.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor_kind: String,
    /// Who.
    pub actor_id: Option<Uuid>,
    /// Who.
    pub actor_label: String,
    /// What.
    pub action: String,
    /// To what.
    pub target_kind: String,
    /// To what.
    pub target_id: Option<Uuid>,
    /// To what.
    pub target_label: String,
    /// Of which organization.
    pub organization_id: Option<Uuid>,
    /// About which agent.
    pub agent_id: Option<Uuid>,
    /// Whether it was done.
    pub outcome: String,
    /// Facts, in the text form of Postgres, which is the same for the same value.
    pub detail: String,
    /// The request.
    pub request_id: Option<String>,
    /// The address.
    pub address: Option<String>,
}

/// The hash of a row at its place in the chain.
#[must_use]
pub fn row_hash(previous: &Hash, seq: i64, row: &ChainRow) -> Hash {
    let mut bytes = Encoder(Vec::with_capacity(512));
    bytes.put(b"gururmm/audit-row/v1");
    bytes.put(previous);
    bytes.put(&seq.to_be_bytes());
    bytes.put(&row.id.to_be_bytes());
    bytes.put(&row.at.timestamp_micros().to_be_bytes());
    bytes.put(row.actor_kind.as_bytes());
    bytes.put_id(row.actor_id);
    bytes.put(row.actor_label.as_bytes());
    bytes.put(row.action.as_bytes());
    bytes.put(row.target_kind.as_bytes());
    bytes.put_id(row.target_id);
    bytes.put(row.target_label.as_bytes());
    bytes.put_id(row.organization_id);
    bytes.put_id(row.agent_id);
    bytes.put(row.outcome.as_bytes());
    bytes.put(row.detail.as_bytes());
    bytes.put_option(row.request_id.as_deref().map(str::as_bytes));
    bytes.put_option(row.address.as_deref().map(str::as_bytes));
    sha256(&bytes.0)
}

/// Fields with their length in front, so that no two different rows give the same bytes; an absent field differs from an
/// empty one.
struct Encoder(Vec<u8>);

impl Encoder {
    fn put(&mut self, field: &[u8]) {
        self.0.push(1);
        self.0.extend_from_slice(&(field.len() as u64).to_be_bytes());
        self.0.extend_from_slice(field);
    }

    fn put_option(&mut self, field: Option<&[u8]>) {
        match field {
            Some(field) => self.put(field),
            None => self.0.push(0),
        }
    }

    fn put_id(&mut self, id: Option<Uuid>) {
        self.put_option(id.as_ref().map(|id| id.as_bytes().as_slice()));
    }
}

/// The signed end of a batch: stands for every row up to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Place in the chain.
    pub seq: i64,
    /// The hash there.
    pub hash: Hash,
    /// When it was signed.
    pub signed_at: DateTime<Utc>,
    /// The audit key's signature.
    pub signature: SignatureBytes,
}

impl Head {
    /// Signs the chain up to `seq`.
    #[must_use]
    pub fn sign(key: &SigningKey, seq: i64, hash: Hash, signed_at: DateTime<Utc>) -> Self {
        Self { seq, hash, signed_at, signature: transcript(seq, &hash, signed_at).sign(key) }
    }

    /// Whether the audit key signed it.
    #[must_use]
    pub fn is_genuine(&self, key: &PublicKey) -> bool {
        key.verify(&transcript(self.seq, &self.hash, self.signed_at), &self.signature).is_ok()
    }
}

fn transcript(seq: i64, hash: &Hash, signed_at: DateTime<Utc>) -> Transcript {
    Transcript::new("gururmm/audit-head/v1")
        .part(&seq.to_be_bytes())
        .part(hash)
        .part(&signed_at.timestamp_micros().to_be_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row() -> impl Strategy<Value = ChainRow> {
        let id = || proptest::option::of(any::<u128>().prop_map(Uuid::from_u128));
        let text = || "[a-c]{0,3}";
        (
            (0..4i64, 0..4i64, text(), id(), text(), text()),
            (text(), id(), text(), id(), id(), text()),
            (text(), proptest::option::of(text()), proptest::option::of(text())),
        )
            .prop_map(|(a, b, c)| ChainRow {
                id: a.0,
                at: DateTime::UNIX_EPOCH + chrono::TimeDelta::microseconds(a.1),
                actor_kind: a.2,
                actor_id: a.3,
                actor_label: a.4,
                action: a.5,
                target_kind: b.0,
                target_id: b.1,
                target_label: b.2,
                organization_id: b.3,
                agent_id: b.4,
                outcome: b.5,
                detail: c.0,
                request_id: c.1,
                address: c.2,
            })
    }

    proptest! {
        #[test]
        fn different_rows_places_or_pasts_have_different_hashes(a in row(), b in row(), seq in 1..5i64, other in 1..5i64) {
            let hash = row_hash(&START, seq, &a);
            prop_assert_eq!(hash == row_hash(&START, other, &b), (seq, &a) == (other, &b));
            prop_assert_ne!(hash, row_hash(&[1; 32], seq, &a));
        }
    }

    #[test]
    fn text_cannot_move_between_columns() {
        let base = ChainRow {
            id: 1,
            at: DateTime::UNIX_EPOCH,
            actor_kind: "user".into(),
            actor_id: None,
            actor_label: "ab".into(),
            action: "c".into(),
            target_kind: "agent".into(),
            target_id: None,
            target_label: String::new(),
            organization_id: None,
            agent_id: None,
            outcome: "success".into(),
            detail: "{}".into(),
            request_id: None,
            address: None,
        };
        let shifted = ChainRow { actor_label: "a".into(), action: "bc".into(), ..base.clone() };
        let moved = ChainRow { target_id: Some(Uuid::from_u128(7)), ..base.clone() };
        let moved_on = ChainRow { organization_id: Some(Uuid::from_u128(7)), ..base.clone() };
        let emptied = ChainRow { request_id: Some(String::new()), ..base.clone() };
        let hashes: std::collections::BTreeSet<_> =
            [base, shifted, moved, moved_on, emptied].iter().map(|row| row_hash(&START, 1, row)).collect();
        assert_eq!(hashes.len(), 5);
    }

    #[test]
    fn a_head_is_genuine_only_whole_and_by_its_key() {
        let key = SigningKey::from_bytes(&[4; 32]);
        let head = Head::sign(&key, 7, [1; 32], DateTime::UNIX_EPOCH);
        let public = PublicKey::of(&key);
        assert!(head.is_genuine(&public));
        assert!(!Head { seq: 8, ..head }.is_genuine(&public));
        assert!(!Head { hash: [2; 32], ..head }.is_genuine(&public));
        assert!(!head.is_genuine(&PublicKey::of(&SigningKey::from_bytes(&[5; 32]))));
    }
}
