//! The private Postgres: a cluster in the data directory, run from installed binaries.
//!
//! It goes on running when the server crashes, and the next start adopts it. `initdb` and `postgres` refuse to run as root,
//! so a root server drops to the system user `postgres` for them. That user owns what is in the cluster's directory and may
//! put links there: root opens and changes nothing in it by a name that could lead elsewhere.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use nix::fcntl::OFlag;
use nix::unistd::{Gid, Uid, User};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::process::Command;

use crate::core::Env;

const SUPERUSER: &str = "gururmm";
const DATABASE: &str = "gururmm";
/// Room in `sockaddr_un.sun_path` (108 on Linux), less the file name `.s.PGSQL.5432`.
const MAX_SOCKET_DIR: usize = 90;

/// A private cluster that runs.
pub struct PrivateCluster {
    programs: PathBuf,
    home: PathBuf,
    sockets: PathBuf,
    owner: Option<(Uid, Gid)>,
}

impl PrivateCluster {
    /// Makes the cluster if there is none, starts it if it does not run, and says how to connect.
    ///
    /// # Errors
    /// In words for the operator: no binaries, a directory that Postgres cannot reach, a cluster of another major
    /// version, or what Postgres itself logged.
    pub async fn start(data_dir: &Path, programs: Option<&Path>, env: &Env) -> Result<(Self, PgConnectOptions)> {
        let home = data_dir.join("postgres");
        let owner = unprivileged_owner(&home)?;
        make_dir(&home, owner)?;
        if let Some((uid, gid)) = owner {
            check_reachable(&home, uid, gid)?;
        }
        let version = cluster_version(&home)?;
        let programs = find_programs(programs, version.as_deref())?;
        let sockets = socket_dir(&home, owner)?;
        let cluster = Self { programs, home, sockets, owner };
        let password = password(data_dir, env)?;
        if version.is_none() {
            cluster.create(&password).await?;
        }
        cluster.ensure_running().await?;
        let options = PgConnectOptions::new_without_pgpass()
            .socket(&cluster.sockets)
            .username(SUPERUSER)
            .password(&password)
            .database(DATABASE);
        create_database(&options).await?;
        Ok((cluster, options))
    }

    /// Starts Postgres if it does not run. Answers whether it had to.
    ///
    /// # Errors
    /// With the end of Postgres's own log.
    pub async fn ensure_running(&self) -> Result<bool> {
        if self.is_running().await? {
            return Ok(false);
        }
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c max_connections=200 -c logging_collector=off",
            self.sockets.display()
        );
        let log = self.home.join("log");
        let started = self
            .program("pg_ctl")
            .args(["start", "-w", "-t", "60", "-s", "-D"])
            .arg(self.data())
            .arg("-l")
            .arg(&log)
            .arg("-o")
            .arg(options)
            .output()
            .await
            .context("cannot run pg_ctl")?;
        if !started.status.success() {
            let text = read_end(&log, 8 * 1024).unwrap_or_default();
            let tail: Vec<&str> = text.lines().rev().take(8).collect();
            bail!(
                "the private Postgres does not start; the end of {}:\n{}",
                log.display(),
                tail.into_iter().rev().collect::<Vec<_>>().join("\n")
            );
        }
        Ok(true)
    }

    /// Stops Postgres in an orderly way.
    ///
    /// # Errors
    /// When it does not stop within a minute.
    pub async fn stop(&self) -> Result<()> {
        let stopped = self
            .program("pg_ctl")
            .args(["stop", "-w", "-t", "60", "-s", "-m", "fast", "-D"])
            .arg(self.data())
            .output()
            .await
            .context("cannot run pg_ctl")?;
        if !stopped.status.success() {
            bail!("the private Postgres does not stop: {}", String::from_utf8_lossy(&stopped.stderr).trim());
        }
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    async fn is_running(&self) -> Result<bool> {
        let status = self
            .program("pg_ctl")
            .args(["status", "-D"])
            .arg(self.data())
            .output()
            .await
            .context("cannot run pg_ctl")?;
        Ok(status.status.success())
    }

    /// Makes the cluster beside its place and moves it there, so that a crash leaves no half-made one.
    async fn create(&self, password: &str) -> Result<()> {
        tracing::info!(directory = %self.data().display(), "making the private Postgres cluster");
        let (half, secret) = (self.home.join("data.new"), self.home.with_file_name("initdb.password"));
        if half.exists() {
            std::fs::remove_dir_all(&half)?;
        }
        self.lend(&secret, password).with_context(|| format!("cannot write {}", secret.display()))?;
        let made = self
            .program("initdb")
            .arg("-D")
            .arg(&half)
            .args(["--username", SUPERUSER, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"])
            .args(["--data-checksums", "--pwfile"])
            .arg(&secret)
            .output()
            .await
            .context("cannot run initdb");
        std::fs::remove_file(&secret)?;
        let made = made?;
        if !made.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&made.stderr).trim());
        }
        std::fs::rename(&half, self.data())?;
        Ok(())
    }

    /// Makes a file that only the Postgres user can read, in a directory that is not that user's.
    fn lend(&self, path: &Path, content: &str) -> std::io::Result<()> {
        if let Err(error) = std::fs::remove_file(path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
        give(&file, self.owner)?;
        file.write_all(content.as_bytes())
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.stdin(std::process::Stdio::null()).current_dir(&self.home).env("LC_ALL", "C.UTF-8");
        if let Some((uid, gid)) = self.owner {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command
    }
}

async fn create_database(options: &PgConnectOptions) -> Result<()> {
    let mut connection =
        options.clone().database("postgres").connect().await.context(
            "the private Postgres runs but refuses the server; is its password file the one it was made with?",
        )?;
    if !super::store::database_exists(&mut connection, DATABASE).await? {
        super::store::create_database(&mut connection, DATABASE).await?;
    }
    connection.close().await?;
    Ok(())
}

/// Major version of the cluster; none when there is none yet.
fn cluster_version(home: &Path) -> Result<Option<String>> {
    let path = home.join("data/PG_VERSION");
    match read_end(&path, 64) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The user that Postgres runs as when the server is root; none otherwise. A cluster that another user made stays that
/// user's, so that a command of root's does not take it away from a server that is not root.
fn unprivileged_owner(home: &Path) -> Result<Option<(Uid, Gid)>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    if let Ok(meta) = std::fs::symlink_metadata(home)
        && meta.is_dir()
        && meta.uid() != 0
    {
        return Ok(Some((Uid::from_raw(meta.uid()), Gid::from_raw(meta.gid()))));
    }
    let user = User::from_name("postgres")?.context(
        "Postgres refuses to run as root and there is no system user postgres to run it as; install the package \
         postgresql, or run the server as another user",
    )?;
    Ok(Some((user.uid, user.gid)))
}

/// Makes a private directory of the Postgres user's; an existing one must be that already.
fn make_dir(path: &Path, owner: Option<(Uid, Gid)>) -> Result<()> {
    let expected = owner.map_or_else(Uid::effective, |(uid, _)| uid);
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() && meta.uid() == expected.as_raw() && meta.mode() & 0o077 == 0 => Ok(()),
        Ok(_) => {
            bail!("{} must be a private directory of the Postgres user; move it away and start again", path.display())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::DirBuilder::new()
                .mode(0o700)
                .create(path)
                .with_context(|| format!("cannot create {}", path.display()))?;
            open(path, OFlag::O_DIRECTORY)
                .and_then(|dir| give(&dir, owner))
                .with_context(|| format!("cannot give {} to the Postgres user", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", path.display())),
    }
}

/// Makes something the Postgres user's: what was opened, whatever its name means by now.
fn give(file: &File, owner: Option<(Uid, Gid)>) -> std::io::Result<()> {
    owner.map_or(Ok(()), |(uid, gid)| fchown(file, Some(uid.as_raw()), Some(gid.as_raw())))
}

/// Opens something to read, unless it is a link. A pipe does not keep the server waiting.
fn open(path: &Path, flags: OFlag) -> std::io::Result<File> {
    File::options().read(true).custom_flags((flags | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits()).open(path)
}

/// The end of a file, at most `max` bytes.
fn read_end(path: &Path, max: u64) -> std::io::Result<String> {
    let mut file = open(path, OFlag::empty())?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(max)))?;
    let mut end = Vec::new();
    file.take(max).read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

/// Every directory above `path` must let the Postgres user through.
fn check_reachable(path: &Path, uid: Uid, gid: Gid) -> Result<()> {
    for dir in std::path::absolute(path)?.ancestors().skip(1) {
        let meta = std::fs::metadata(dir)?;
        let bit = if meta.uid() == uid.as_raw() {
            0o100
        } else if meta.gid() == gid.as_raw() {
            0o010
        } else {
            0o001
        };
        if meta.mode() & bit == 0 {
            bail!(
                "the user postgres cannot get through {}; choose a data directory that other users can reach, for \
                 example --data-dir /var/lib/gururmm, or run the server as an ordinary user",
                dir.display()
            );
        }
    }
    Ok(())
}

/// The socket's directory: in the data directory, or under /tmp when that path is too long for a socket.
fn socket_dir(home: &Path, owner: Option<(Uid, Gid)>) -> Result<PathBuf> {
    let near = std::path::absolute(home)?.join("run");
    let path = if near.as_os_str().len() <= MAX_SOCKET_DIR {
        near
    } else {
        let name = gururmm_protocol::crypto::sha256(near.as_os_str().as_encoded_bytes());
        PathBuf::from(format!("/tmp/gururmm-{}", hex::encode(&name[..8])))
    };
    make_dir(&path, owner)?;
    Ok(path)
}

/// Directory of `initdb` and `pg_ctl`, of the cluster's major version where there is a cluster.
fn find_programs(given: Option<&Path>, version: Option<&str>) -> Result<PathBuf> {
    let usable = |dir: &Path| dir.join("pg_ctl").is_file() && dir.join("initdb").is_file();
    if let Some(dir) = given {
        if usable(dir) {
            return Ok(dir.to_owned());
        }
        bail!("there is no pg_ctl and initdb in {}", dir.display());
    }
    let mut installed: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, dir)| usable(dir))
        .collect();
    installed.sort();
    if let Some(version) = version {
        return installed.into_iter().find(|(major, _)| major.to_string() == version).map(|(_, dir)| dir).with_context(
            || {
                format!(
                    "the data directory holds a Postgres {version} cluster; install the package postgresql-{version}"
                )
            },
        );
    }
    let on_path = std::env::var_os("PATH").and_then(|path| std::env::split_paths(&path).find(|dir| usable(dir)));
    installed.pop().map(|(_, dir)| dir).or(on_path).context(
        "no Postgres found; install the package postgresql, set GURURMM_POSTGRES_BIN, or set DATABASE_URL to a server",
    )
}

/// The superuser's password: made once, beside the keys.
fn password(data_dir: &Path, env: &Env) -> Result<String> {
    let path = data_dir.join("postgres.password");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = hex::encode(env.bytes::<24>());
            crate::keys::write_private(&path, text.as_bytes())?;
            Ok(text)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
