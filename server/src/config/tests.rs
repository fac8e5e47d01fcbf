use std::io::Write as _;

use super::*;

#[test]
fn defaults_are_for_one_machine() {
    let config = Settings::default().resolve().unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:3001");
    assert_eq!(config.public_url(), "http://localhost:3001");
    assert!(config.accepts_origin("http://127.0.0.1:3001"));
    assert!(!config.accepts_origin("http://127.0.0.1:3002"));
    assert!(!config.accepts_origin("https://evil.example"));
}

#[test]
fn flags_beat_the_file_and_the_file_beats_defaults() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "listen = \"127.0.0.1:4000\"\nsession_hours = 2\ndatabase_url = \"postgres://file\"").unwrap();
    let settings = Settings {
        config: Some(file.path().to_owned()),
        listen: Some("127.0.0.1:5000".parse().unwrap()),
        ..Settings::default()
    };
    let config = settings.resolve().unwrap();
    assert_eq!(config.listen.port(), 5000);
    assert_eq!(config.session_hours, 2);
    assert_eq!(config.database_url.as_deref(), Some("postgres://file"));
}

#[test]
fn wrong_settings_name_themselves() {
    let problem = |settings: Settings| format!("{:#}", settings.resolve().unwrap_err());
    let with_url = |url: &str| Settings { public_url: Some(vec![url.into()]), ..Settings::default() };
    assert!(problem(with_url("ftp://x")).contains("public_url"));
    assert!(problem(with_url("https://rmm.example.com/path")).contains("public_url"));
    assert!(problem(Settings { session_hours: Some(0), ..Settings::default() }).contains("session_hours"));
    assert!(problem(Settings { tls_cert: Some("x".into()), ..Settings::default() }).contains("tls_key"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "lisen = \"127.0.0.1:4000\"").unwrap();
    assert!(problem(Settings { config: Some(file.path().to_owned()), ..Settings::default() }).contains("lisen"));
}
