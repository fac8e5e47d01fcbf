//! What has to be there before the server, or a command of the operator, can work: data directory, Postgres, keys.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::fcntl::OFlag;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

use crate::app::{App, Parts};
use crate::config::Config;
use crate::core::Env;
use crate::db::private_cluster::PrivateCluster;
use crate::db::{self, store};
use crate::keys::Keys;

/// How long an operator's Postgres may take to answer at the start.
const DATABASE_PATIENCE: Duration = Duration::from_secs(60);

/// An opened installation.
pub struct Installation {
    /// Connections; every migration is applied.
    pub db: PgPool,
    /// Its keys.
    pub keys: Keys,
    /// Its epoch.
    pub epoch: i32,
    /// The private Postgres, where there is one.
    pub cluster: Option<PrivateCluster>,
}

/// Exclusive use of a data directory; ends with the value or the process.
pub struct DataDirLock(#[expect(dead_code, reason = "held for its lock")] File);

/// Takes the data directory for one server process.
///
/// # Errors
/// When another server uses it, naming its process, or when it cannot be written.
pub fn lock_data_dir(dir: &Path) -> Result<DataDirLock> {
    // Others may pass through, for the private Postgres runs as another user; what is secret has its own mode.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(dir)
        .with_context(|| format!("cannot create the data directory {}", dir.display()))?;
    let path = dir.join("server.lock");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        // The directory may be another account's, and whoever runs this may be root: a link must not lead to other files.
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(&path)
        .with_context(|| format!("cannot write in the data directory: {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())?;
            Ok(DataDirLock(file))
        }
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner);
            bail!("another gururmm-server (process {}) uses the data directory {}", owner.trim(), dir.display())
        }
        Err(TryLockError::Error(error)) => Err(error).context(format!("cannot lock {}", path.display())),
    }
}

/// The id of the server process that works in this data directory; made once.
///
/// # Errors
/// When it cannot be read or written.
pub fn node_id(dir: &Path, env: &Env) -> Result<Uuid> {
    let path = dir.join("node-id");
    match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().with_context(|| format!("{} does not hold an id", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = env.random_id();
            crate::keys::write_private(&path, id.to_string().as_bytes())?;
            Ok(id)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Starts or finds Postgres, applies migrations, and loads the keys that belong to it.
///
/// # Errors
/// In words for the operator.
pub async fn open(config: &Config, env: &Env) -> Result<Installation> {
    let (cluster, options) = match &config.database_url {
        Some(url) => (None, url.parse::<PgConnectOptions>().context("DATABASE_URL is not a Postgres address")?),
        None => {
            let (cluster, options) =
                PrivateCluster::start(&config.data_dir, config.postgres_bin.as_deref(), env).await?;
            (Some(cluster), options)
        }
    };
    let db = db::pool(options, config.database_connections);
    wait_for(&db).await?;
    db::migrate(&db).await.context("a migration failed; the schema is as it was before it")?;
    let mut connection = db.acquire().await?;
    // Keys are made only for a database that has none yet: lost keys must be restored, not replaced.
    let claimed = store::is_claimed(&mut connection).await?;
    let keys = Keys::load(&config.keys_dir, env, !claimed)?;
    let epoch = store::claim_installation(&mut connection, &keys.fingerprints).await.map_err(|error| match error {
        crate::core::Error::Internal(cause) => cause,
        other => other.into(),
    })?;
    drop(connection);
    Ok(Installation { db, keys, epoch, cluster })
}

/// Opens the installation and puts the server together around it; the private Postgres is the caller's to stop.
///
/// # Errors
/// In words for the operator.
pub async fn app(config: Config, env: Env) -> Result<(App, Option<PrivateCluster>)> {
    let node_id = node_id(&config.data_dir, &env)?;
    let Installation { db, keys, epoch, cluster } = open(&config, &env).await?;
    let app = App::new(Parts {
        env,
        db,
        keys,
        config,
        epoch,
        hub: Default::default(),
        node_id,
        shutdown: Default::default(),
        events: Default::default(),
        exports: Default::default(),
        limits: Default::default(),
        software: Default::default(),
    });
    Ok((app, cluster))
}

async fn wait_for(db: &PgPool) -> Result<()> {
    let started = tokio::time::Instant::now();
    loop {
        match db.acquire().await {
            Ok(_) => return Ok(()),
            Err(error) if db::is_away(&error) && started.elapsed() < DATABASE_PATIENCE => {
                tracing::info!(%error, "waiting for Postgres");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => return Err(error).context("Postgres cannot be used; is DATABASE_URL right?"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_has_one_server() {
        let dir = tempfile::tempdir().unwrap();
        let first = lock_data_dir(dir.path()).unwrap();
        let problem = lock_data_dir(dir.path()).err().unwrap().to_string();
        assert!(problem.contains(&format!("process {}", std::process::id())), "{problem}");
        drop(first);
        lock_data_dir(dir.path()).unwrap();
    }

    #[test]
    fn a_link_in_the_place_of_the_lock_leads_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let other = dir.path().join("other");
        std::fs::write(&other, "precious").unwrap();
        std::os::unix::fs::symlink(&other, dir.path().join("server.lock")).unwrap();
        assert!(lock_data_dir(dir.path()).is_err());
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "precious");
    }

    #[test]
    fn the_node_keeps_its_id() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env::system();
        assert_eq!(node_id(dir.path(), &env).unwrap(), node_id(dir.path(), &env).unwrap());
    }
}
