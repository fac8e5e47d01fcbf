//! Keys, fingerprints and the transcripts that get signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// An Ed25519 public key as it travels: base64url without padding (RFC 4648, section 5) of the 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

/// An Ed25519 signature as it travels: base64url without padding of the 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SignatureBytes([u8; 64]);

/// SHA-256 of a public key: how keys are named and pinned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

/// The text is not a key, a signature or a fingerprint.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a {expected}: base64url without padding of {bytes} bytes is expected")]
pub struct BadEncoding {
    expected: &'static str,
    bytes: usize,
}

/// The signature does not belong to this key and content.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the signature does not match")]
pub struct BadSignature;

macro_rules! wire_bytes {
    ($name:ident, $len:literal, $what:literal) => {
        impl $name {
            /// Wraps raw bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// The text form that travels in JSON.
            #[must_use]
            pub fn to_text(&self) -> String {
                URL_SAFE_NO_PAD.encode(self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadEncoding;
            fn from_str(text: &str) -> Result<Self, BadEncoding> {
                let bad = || BadEncoding { expected: $what, bytes: $len };
                let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
                Ok(Self(bytes.try_into().map_err(|_| bad())?))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.to_text())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.to_text())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.to_text())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

wire_bytes!(PublicKey, 32, "public key");
wire_bytes!(SignatureBytes, 64, "signature");
wire_bytes!(Fingerprint, 32, "fingerprint");

impl PublicKey {
    /// The public half of `key`.
    #[must_use]
    pub fn of(key: &SigningKey) -> Self {
        Self(key.verifying_key().to_bytes())
    }

    /// The key's name: SHA-256 of its bytes.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(self.0).into())
    }

    /// Checks `signature` over `message`, strictly (RFC 8032; small-order keys and malleable signatures are refused).
    ///
    /// # Errors
    /// [`BadSignature`] when the key is no curve point or the signature is not this key's over these bytes.
    pub fn verify(&self, message: &Transcript, signature: &SignatureBytes) -> Result<(), BadSignature> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| BadSignature)?;
        key.verify_strict(&message.0, &Signature::from_bytes(&signature.0)).map_err(|_| BadSignature)
    }
}

/// Bytes to be signed: a domain name and parts, each with its length in front, so that no two different lists of parts
/// give the same bytes and no signature made for one purpose serves another.
pub struct Transcript(Vec<u8>);

impl Transcript {
    /// Starts a transcript for one purpose, for example `gururmm/connect/v1`.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        Self(Vec::with_capacity(256)).part(domain.as_bytes())
    }

    /// Appends one part.
    #[must_use]
    pub fn part(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// Signs the whole.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> SignatureBytes {
        SignatureBytes(key.sign(&self.0).to_bytes())
    }
}

/// SHA-256 as raw bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_be_shifted_between_each_other() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let signature = Transcript::new("d").part(b"ab").part(b"c").sign(&key);
        let public = PublicKey::of(&key);
        assert!(public.verify(&Transcript::new("d").part(b"ab").part(b"c"), &signature).is_ok());
        assert_eq!(public.verify(&Transcript::new("d").part(b"a").part(b"bc"), &signature), Err(BadSignature));
        assert_eq!(public.verify(&Transcript::new("e").part(b"ab").part(b"c"), &signature), Err(BadSignature));
    }

    #[test]
    fn text_form_round_trips_and_bad_text_names_what_is_expected() {
        let key = PublicKey::from_bytes([9; 32]);
        assert_eq!(key.to_text().parse::<PublicKey>(), Ok(key));
        let error = "abc".parse::<PublicKey>().unwrap_err();
        assert_eq!(error.to_string(), "not a public key: base64url without padding of 32 bytes is expected");
    }
}
