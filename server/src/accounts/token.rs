//! Access tokens: JWTs (RFC 7519) that name a session, signed with the installation's token key.

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::core::{Error, Result};

/// What a token says. Everything in it is checked against the database on every request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: Uuid,
    /// The session row.
    pub jti: Uuid,
    /// The user's `token_version` at login.
    pub ver: i32,
    /// The installation's epoch at login.
    pub epo: i32,
    /// Issued at, seconds.
    pub iat: i64,
    /// Expires at, seconds.
    pub exp: i64,
}

/// Signs a token.
///
/// # Errors
/// Only if the key cannot sign.
pub fn issue(key: &[u8; 32], claims: &Claims) -> Result<String> {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(key))
        .map_err(Error::internal)
}

/// Reads a token.
///
/// # Errors
/// 401 when it is malformed, signed by another key, or expired at `now`.
pub fn read(key: &[u8; 32], token: &str, now: DateTime<Utc>) -> Result<Claims> {
    let mut validation = Validation::new(Algorithm::HS256);
    // Expiry is judged below, by our clock.
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(key), &validation)
        .map_err(|_| Error::Unauthenticated {
            code: "bad_token",
            detail: "the access token is not valid; sign in again",
        })?
        .claims;
    if claims.exp <= now.timestamp() {
        return Err(Error::Unauthenticated { code: "token_expired", detail: "the session has ended; sign in again" });
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_altered_and_expired_tokens_are_refused() {
        let claims =
            Claims { sub: Uuid::from_u128(1), jti: Uuid::from_u128(2), ver: 1, epo: 1, iat: 1_000, exp: 2_000 };
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let token = issue(&[1; 32], &claims).unwrap();
        assert_eq!(read(&[1; 32], &token, at(1_999)).unwrap(), claims);
        assert_eq!(read(&[1; 32], &token, at(2_000)).unwrap_err().code(), "token_expired");
        assert_eq!(read(&[2; 32], &token, at(1_500)).unwrap_err().code(), "bad_token");
        assert_eq!(read(&[1; 32], &format!("{token}x"), at(1_500)).unwrap_err().code(), "bad_token");
        // {"alg":"none"} with the same claims.
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", token.split('.').nth(1).unwrap());
        assert_eq!(read(&[1; 32], &unsigned, at(1_500)).unwrap_err().code(), "bad_token");
    }
}
