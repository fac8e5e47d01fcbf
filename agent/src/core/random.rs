//! Randomness as an interface.

/// A source of random numbers.
pub trait Random: Send + Sync {
    /// 32 bytes for nonces and keys.
    ///
    /// # Errors
    /// When the operating system has none to give.
    fn bytes(&self) -> std::io::Result<[u8; 32]>;
    /// A number from 0 up to but not including 1, for jitter. Never a secret.
    fn fraction(&self) -> f64;
}

/// The operating system's random source; jitter from a fast generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[allow(clippy::disallowed_methods, reason = "the one place where the system's random source is read")]
    fn bytes(&self) -> std::io::Result<[u8; 32]> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(std::io::Error::from)?;
        Ok(bytes)
    }

    fn fraction(&self) -> f64 {
        fastrand::f64()
    }
}
