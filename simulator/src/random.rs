//! Seeded randomness: independent streams from one seed, and fresh nonces.

use gururmm_protocol::crypto::{Fingerprint, sha256};

/// A generator for one purpose: equal seed and purpose give equal numbers, other purposes unrelated ones.
pub fn stream(seed: u64, purpose: &str) -> fastrand::Rng {
    let digest = sha256(&[&seed.to_be_bytes(), purpose.as_bytes()].concat());
    let mut start = [0; 8];
    start.copy_from_slice(&digest[..8]);
    fastrand::Rng::with_seed(u64::from_be_bytes(start))
}

/// A nonce that no earlier exchange had; deliberately not reproducible.
pub fn nonce() -> Fingerprint {
    let mut bytes = [0; 32];
    fastrand::Rng::new().fill(&mut bytes);
    Fingerprint::from_bytes(bytes)
}
