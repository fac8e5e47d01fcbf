//! Settings of one server process: flags, environment (`GURURMM_*`) and a TOML file, in that order of strength.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// Settings as they may be given; every one has a default or is optional.
#[derive(Debug, Clone, Default, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Configuration file (TOML, the same names as the flags with _ for -).
    #[arg(long, env = "GURURMM_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// Address and port to listen on [default: 127.0.0.1:3001].
    #[arg(long, env = "GURURMM_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,

    /// Directory of the private Postgres, keys and state [default: /var/lib/gururmm].
    #[arg(long, env = "GURURMM_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Address under which browsers and agents reach this server; several with commas, the first one is written into
    /// install commands [default: http://localhost:PORT].
    #[arg(long, env = "GURURMM_PUBLIC_URL", value_name = "URL", value_delimiter = ',')]
    pub public_url: Option<Vec<String>>,

    /// Use this Postgres instead of a private one (postgres://user:password@host/database).
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// File that holds the database URL.
    #[arg(long, env = "GURURMM_DATABASE_URL_FILE", value_name = "FILE", conflicts_with = "database_url")]
    pub database_url_file: Option<PathBuf>,

    /// Directory of the key files [default: DATA_DIR/keys].
    #[arg(long, env = "GURURMM_KEYS_DIR", value_name = "DIR")]
    pub keys_dir: Option<PathBuf>,

    /// Directory of the Postgres programs [default: the newest in /usr/lib/postgresql/*/bin, then PATH].
    #[arg(long, env = "GURURMM_POSTGRES_BIN", value_name = "DIR")]
    pub postgres_bin: Option<PathBuf>,

    /// Most connections to Postgres [default: 20].
    #[arg(long, env = "GURURMM_DATABASE_CONNECTIONS", value_name = "N")]
    pub database_connections: Option<u32>,

    /// Certificate chain (PEM); with a key, the server speaks TLS. Read again when the file changes.
    #[arg(long, env = "GURURMM_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate (PEM).
    #[arg(long, env = "GURURMM_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Addresses of reverse proxies whose X-Forwarded-For is believed, with commas [default: none].
    #[arg(long, env = "GURURMM_TRUSTED_PROXIES", value_name = "ADDRESSES", value_delimiter = ',')]
    pub trusted_proxies: Option<Vec<IpAddr>>,

    /// File with the bearer token for GET /metrics [default: metrics only for direct requests from loopback].
    #[arg(long, env = "GURURMM_METRICS_TOKEN_FILE", value_name = "FILE")]
    pub metrics_token_file: Option<PathBuf>,

    /// Most agents connected to this process [default: 20000].
    #[arg(long, env = "GURURMM_MAX_AGENTS", value_name = "N")]
    pub max_agents: Option<usize>,

    /// Hours until a browser or API session ends [default: 12].
    #[arg(long, env = "GURURMM_SESSION_HOURS", value_name = "HOURS")]
    pub session_hours: Option<u32>,

    /// Seconds that running requests get at shutdown before they are cut [default: 20].
    #[arg(long, env = "GURURMM_SHUTDOWN_SECONDS", value_name = "SECONDS")]
    pub shutdown_seconds: Option<u64>,

    /// Log as `text` or `json` [default: text].
    #[arg(long, env = "GURURMM_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,

    /// What to log, in tracing's filter syntax [default: info,sqlx::postgres::notice=warn].
    #[arg(long, env = "GURURMM_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Settings with every default filled in and every value checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// State directory.
    pub data_dir: PathBuf,
    /// Public addresses, without a slash at the end; never empty.
    pub public_urls: Vec<String>,
    /// A Postgres of the operator's; none: the private one.
    pub database_url: Option<String>,
    /// Key files.
    pub keys_dir: PathBuf,
    /// Postgres programs.
    pub postgres_bin: Option<PathBuf>,
    /// Pool size.
    pub database_connections: u32,
    /// Certificate and key files.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Token for /metrics.
    pub metrics_token: Option<String>,
    /// Bound on agent connections.
    pub max_agents: usize,
    /// Life of a session.
    pub session_hours: u32,
    /// Patience at shutdown.
    pub shutdown_seconds: u64,
    /// Log format.
    pub log_format: LogFormat,
    /// Log filter.
    pub log: String,
}

macro_rules! fill {
    ($target:ident from $source:ident: $($field:ident),+) => {
        $( if $target.$field.is_none() { $target.$field = $source.$field; } )+
    };
}

impl Settings {
    /// Fills in what the file says and the defaults, and checks everything.
    ///
    /// # Errors
    /// In words for the operator, naming the setting and the fix.
    pub fn resolve(mut self) -> Result<Config> {
        if let Some(path) = &self.config {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
            let file: Self = toml::from_str(&text)
                .with_context(|| format!("the configuration file {} is not right", path.display()))?;
            // The URL and its file form exclude each other: the stronger source decides for both.
            let database_given = self.database_url.is_some() || self.database_url_file.is_some();
            if !database_given {
                fill!(self from file: database_url, database_url_file);
            }
            fill!(self from file: listen, data_dir, public_url, keys_dir, postgres_bin, database_connections, tls_cert, tls_key,
                trusted_proxies, metrics_token_file, max_agents, session_hours, shutdown_seconds, log_format, log);
        }
        let listen = self.listen.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3001));
        let data_dir = self.data_dir.unwrap_or_else(|| PathBuf::from("/var/lib/gururmm"));
        let tls = match (self.tls_cert, self.tls_key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => bail!("tls_cert and tls_key belong together: give both or neither"),
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let public_urls = match self.public_url {
            Some(urls) if !urls.is_empty() => urls.iter().map(|url| public_url(url)).collect::<Result<_>>()?,
            _ => vec![format!("{scheme}://localhost:{}", listen.port())],
        };
        let database_url = match (self.database_url, self.database_url_file) {
            (Some(url), _) => Some(url),
            (None, Some(path)) => Some(read_secret(&path)?),
            (None, None) => None,
        };
        if let Some(url) = &database_url
            && !url.starts_with("postgres://")
            && !url.starts_with("postgresql://")
        {
            bail!("DATABASE_URL must start with postgres:// (its value is not shown: it may hold a password)");
        }
        let in_range = |name: &str, value: u64, range: std::ops::RangeInclusive<u64>| {
            if range.contains(&value) {
                Ok(value)
            } else {
                bail!("{name} must be {} to {}, not {value}", range.start(), range.end())
            }
        };
        let database_connections =
            in_range("database_connections", self.database_connections.unwrap_or(20).into(), 4..=500)?;
        let session_hours = in_range("session_hours", self.session_hours.unwrap_or(12).into(), 1..=720)?;
        Ok(Config {
            keys_dir: self.keys_dir.unwrap_or_else(|| data_dir.join("keys")),
            listen,
            data_dir,
            public_urls,
            database_url,
            postgres_bin: self.postgres_bin,
            database_connections: u32::try_from(database_connections)?,
            tls,
            trusted_proxies: self.trusted_proxies.unwrap_or_default(),
            metrics_token: self.metrics_token_file.as_deref().map(read_secret).transpose()?,
            max_agents: usize::try_from(in_range(
                "max_agents",
                self.max_agents.unwrap_or(20_000) as u64,
                1..=1_000_000,
            )?)?,
            session_hours: u32::try_from(session_hours)?,
            shutdown_seconds: in_range("shutdown_seconds", self.shutdown_seconds.unwrap_or(20), 1..=600)?,
            log_format: self.log_format.unwrap_or_default(),
            log: self.log.unwrap_or_else(|| "info,sqlx::postgres::notice=warn".to_owned()),
        })
    }
}

impl Config {
    /// The address that install commands name.
    #[must_use]
    pub fn public_url(&self) -> &str {
        self.public_urls.first().map_or("", String::as_str)
    }

    /// Whether browsers reach the server by HTTPS only, so that cookies may demand it.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_urls.iter().all(|url| url.starts_with("https://"))
    }

    /// Whether a browser's `Origin` is one of the public addresses. A loopback server is reached by several names.
    #[must_use]
    pub fn accepts_origin(&self, origin: &str) -> bool {
        let loopback = |origin: &str| {
            ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
                origin == format!("http://{host}:{}", self.listen.port())
                    || origin == format!("https://{host}:{}", self.listen.port())
            })
        };
        self.public_urls.iter().any(|url| url == origin) || (self.listen.ip().is_loopback() && loopback(origin))
    }
}

/// Checks a public address: scheme, host, optional port, nothing more. Answers the origin as browsers write it.
fn public_url(text: &str) -> Result<String> {
    let url = url::Url::parse(text.trim()).with_context(|| format!("public_url {text:?} is not an address"))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !matches!(url.scheme(), "http" | "https") || !bare {
        bail!("public_url {text:?} must look like https://rmm.example.com or http://localhost:3001");
    }
    Ok(url.origin().ascii_serialization())
}

fn read_secret(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = text.trim();
    if text.is_empty() {
        bail!("{} is empty", path.display());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
