//! The server's certificate: is it believed, and for how long?

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use gururmm_protocol::text::clean_line;
use rustls::{CertificateError, ClientConfig, ClientConnection};
use rustls_pki_types::ServerName;

use super::verdict::Verdict;
use crate::core::certificate;

/// A certificate with fewer days left is told; most are renewed thirty days before.
const SOON_DAYS: i64 = 14;
const MAX_ERROR: usize = 300;

/// What the handshake showed.
pub(super) struct Shown {
    /// TLS version.
    version: String,
    /// Cipher suite.
    suite: String,
    /// The end of the validity of the server's own certificate.
    not_after: Option<DateTime<Utc>>,
}

/// Makes a TLS handshake over a connection, and closes it.
///
/// # Errors
/// Also when the certificate is not believed; then it holds a [`rustls::Error`].
pub(super) fn handshake(
    config: Arc<ClientConfig>,
    host: &str,
    mut connection: TcpStream,
    patience: Duration,
) -> io::Result<Shown> {
    connection.set_nonblocking(false)?;
    connection.set_read_timeout(Some(patience))?;
    connection.set_write_timeout(Some(patience))?;
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut session = ClientConnection::new(config, name).map_err(io::Error::other)?;
    while session.is_handshaking() {
        session.complete_io(&mut connection)?;
    }
    session.send_close_notify();
    // A courtesy: what is known by now does not depend on it.
    let _ = session.write_tls(&mut connection);
    let own = session.peer_certificates().and_then(<[_]>::first);
    Ok(Shown {
        version: session.protocol_version().map_or_else(String::new, |version| format!("{version:?}")),
        suite: session.negotiated_cipher_suite().map_or_else(String::new, |suite| format!("{:?}", suite.suite())),
        not_after: own.and_then(|certificate| certificate::not_after(certificate)),
    })
}

pub(super) fn judge(shown: &io::Result<Shown>, now: DateTime<Utc>) -> Verdict {
    let shown = match shown {
        Ok(shown) => shown,
        Err(error) => {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            return not_believed(inner).with(clean_line(&error.to_string(), MAX_ERROR));
        }
    };
    let verdict = match shown.not_after.map(|end| (end, (end - now).num_days())) {
        Some((end, days)) if days < SOON_DAYS => Verdict::warning(
            "certificate_ends_soon",
            format!("The server's certificate is believed, but only for {} more days.", days.max(0)),
            "Renew the server's certificate; without a valid one no agent connects.",
        )
        .with(format!("valid until {}", end.format("%Y-%m-%d %H:%M UTC"))),
        Some((end, days)) => Verdict::ok("believed", "The server's certificate is believed.")
            .with(format!("valid until {}, {days} more days", end.format("%Y-%m-%d %H:%M UTC"))),
        None => Verdict::ok("believed", "The server's certificate is believed."),
    };
    verdict.with(format!("{}, {}", shown.version, shown.suite))
}

fn not_believed(error: Option<&rustls::Error>) -> Verdict {
    let Some(rustls::Error::InvalidCertificate(error)) = error else {
        return Verdict::failed(
            "no_tls",
            "No encrypted connection came about.",
            "See that the address and port are those of the server, and that nothing between changes the connection.",
        );
    };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Verdict::failed(
            "certificate_expired",
            "The server's certificate has expired.",
            "Renew the server's certificate; or set this machine's clock, if it is wrong.",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Verdict::failed(
            "certificate_not_yet_valid",
            "The server's certificate is not valid yet.",
            "Set this machine's clock.",
        ),
        CertificateError::UnknownIssuer => Verdict::failed(
            "unknown_issuer",
            "The server's certificate was issued by an authority that this machine does not trust.",
            "Install the authority's certificate on this machine, or enroll again with --ca-file. Where a firewall \
             opens encrypted connections, let this server's pass unopened.",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Verdict::failed(
            "wrong_name",
            "The server's certificate is for another name than the one this agent connects to.",
            "Use the name in the certificate, or give the server a certificate for its name.",
        ),
        CertificateError::Revoked => Verdict::failed(
            "certificate_revoked",
            "The server's certificate was revoked.",
            "Give the server a new certificate.",
        ),
        _ => Verdict::failed(
            "certificate_not_believed",
            "The server's certificate is not believed.",
            "Look at the server's certificate.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use gururmm_protocol::selftest::CheckState;

    use super::*;

    #[test]
    fn a_certificate_that_ends_soon_is_told_in_time() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let judge = |days: Option<i64>| {
            let not_after = days.map(|days| now + TimeDelta::days(days));
            let verdict = judge(&Ok(Shown { version: "TLSv1_3".into(), suite: "S".into(), not_after }), now);
            (verdict.state, verdict.code)
        };
        assert_eq!(judge(Some(SOON_DAYS)), (CheckState::Ok, "believed"));
        assert_eq!(judge(Some(SOON_DAYS - 1)), (CheckState::Warning, "certificate_ends_soon"));
        assert_eq!(judge(Some(-1)), (CheckState::Warning, "certificate_ends_soon"), "the verifier's clock decides");
        assert_eq!(judge(None), (CheckState::Ok, "believed"));
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told_apart() {
        let code = |error: io::Error| judge(&Err(error), DateTime::UNIX_EPOCH).code;
        let invalid = |error| code(io::Error::other(rustls::Error::InvalidCertificate(error)));
        assert_eq!(invalid(CertificateError::Expired), "certificate_expired");
        assert_eq!(invalid(CertificateError::NotValidYet), "certificate_not_yet_valid");
        assert_eq!(invalid(CertificateError::UnknownIssuer), "unknown_issuer");
        assert_eq!(invalid(CertificateError::NotValidForName), "wrong_name");
        assert_eq!(invalid(CertificateError::Revoked), "certificate_revoked");
        assert_eq!(invalid(CertificateError::BadEncoding), "certificate_not_believed");
        assert_eq!(code(io::Error::other(rustls::Error::HandshakeNotComplete)), "no_tls");
        assert_eq!(code(io::ErrorKind::ConnectionReset.into()), "no_tls");
    }
}
