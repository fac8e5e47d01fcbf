//! Installed packages: dpkg's database, and RPM's.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use chrono::{DateTime, NaiveDate, Utc};
use gururmm_protocol::inventory::{Software, SoftwareSource};

use super::tool;
use crate::core::inventory::{Look, Looked};

const DPKG_STATUS: &str = "/var/lib/dpkg/status";
const DPKG_INFO: &str = "/var/lib/dpkg/info";
/// Where RPM keeps its database: by distribution and by version of RPM.
const RPM_DATABASES: [&str; 6] = [
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages.db",
    "/var/lib/rpm/Packages",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/Packages.db",
    "/usr/lib/sysimage/rpm/Packages",
];
const RPM_FORMAT: &str = r"%{NAME}\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\t%{ARCH}\t%{VENDOR}\t%{INSTALLTIME}\n";
const RPM_DEADLINE: Duration = Duration::from_secs(45);
const MAX_RPM_ANSWER: usize = 4 * 1024 * 1024;
/// Longest line of dpkg's status that is looked at whole; descriptions of conffiles may be longer and are not needed.
const MAX_LINE: u64 = 8 * 1024;
/// Largest status of dpkg that is read. 3,000 packages take some 4 MB.
const MAX_STATUS: u64 = 64 * 1024 * 1024;

/// All installed packages, by name.
///
/// # Errors
/// When there is neither database, or none can be read.
pub fn software() -> Look<Vec<Software>> {
    let mut looked = Looked::from(Vec::new());
    let has_dpkg = Path::new(DPKG_STATUS).exists();
    let has_rpm = RPM_DATABASES.into_iter().any(|path| Path::new(path).exists());
    if !has_dpkg && !has_rpm {
        bail!("this machine has neither dpkg's database nor RPM's; packages of other managers are not read");
    }
    if has_dpkg {
        let (packages, problems) = dpkg()?;
        looked.content.extend(packages);
        looked.problems.extend(problems);
    }
    if has_rpm {
        match rpm() {
            Ok(packages) => looked.content.extend(packages),
            Err(error) if has_dpkg => looked.problems.push(format!("RPM's packages: {error:#}")),
            Err(error) => return Err(error),
        }
    }
    let key = |item: &Software| (item.name.clone(), item.architecture.clone(), item.version.clone());
    looked.content.sort_by_cached_key(key);
    Ok(looked)
}

/// What changes whenever a package does: the databases' times and sizes.
#[must_use]
pub fn software_stamp() -> Option<String> {
    let write_ahead = RPM_DATABASES.iter().filter(|path| path.ends_with(".sqlite")).map(|path| format!("{path}-wal"));
    let paths = RPM_DATABASES.iter().map(ToString::to_string).chain(write_ahead).chain([DPKG_STATUS.to_owned()]);
    let stamps: Vec<_> = paths
        .filter_map(|path| {
            let metadata = std::fs::metadata(&path).ok()?;
            let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
            Some(format!("{path} {} {}", modified.as_nanos(), metadata.len()))
        })
        .collect();
    (!stamps.is_empty()).then(|| stamps.join("\n"))
}

fn dpkg() -> anyhow::Result<(Vec<Software>, Vec<String>)> {
    let file = File::open(DPKG_STATUS).context(DPKG_STATUS)?;
    if file.metadata().context(DPKG_STATUS)?.len() > MAX_STATUS {
        bail!("{DPKG_STATUS} is over {MAX_STATUS} bytes");
    }
    let (packages, problems) = parse_dpkg(BufReader::new(file.take(MAX_STATUS))).context(DPKG_STATUS)?;
    Ok((packages.into_iter().map(|package| package.into_software(dpkg_date)).collect(), problems))
}

/// When dpkg unpacked this package last: it then wrote its list of files.
fn dpkg_date(package: &DpkgPackage) -> Option<NaiveDate> {
    let by_architecture =
        format!("{DPKG_INFO}/{}:{}.list", package.name, package.architecture.as_deref().unwrap_or("all"));
    let metadata = std::fs::metadata(format!("{DPKG_INFO}/{}.list", package.name))
        .or_else(|_| std::fs::metadata(by_architecture))
        .ok()?;
    Some(DateTime::<Utc>::from(metadata.modified().ok()?).date_naive())
}

/// What is used of one paragraph of dpkg's status.
#[derive(Debug, Default)]
struct DpkgPackage {
    name: String,
    status: String,
    version: Option<String>,
    maintainer: Option<String>,
    architecture: Option<String>,
}

impl DpkgPackage {
    fn take(&mut self, line: &str) {
        let Some((field, value)) = line.split_once(':') else { return };
        let value = value.trim().to_owned();
        match field {
            "Package" => self.name = value,
            "Status" => self.status = value,
            "Version" => self.version = Some(value),
            "Maintainer" => self.maintainer = Some(value),
            "Architecture" => self.architecture = Some(value),
            _ => {}
        }
    }

    fn into_software(self, date: impl Fn(&Self) -> Option<NaiveDate>) -> Software {
        Software {
            installed_on: date(&self),
            name: self.name,
            version: self.version,
            publisher: self.maintainer,
            source: SoftwareSource::Dpkg,
            user: None,
            architecture: self.architecture,
        }
    }
}

/// The installed packages of dpkg's status (paragraphs of `Field: value`; deb-control(5)), and those whose installation
/// did not finish. The third word of the status tells (dpkg-query(1)): what has only left its configuration behind does
/// not count.
fn parse_dpkg(mut status: impl BufRead) -> io::Result<(Vec<DpkgPackage>, Vec<String>)> {
    let (mut packages, mut problems) = (Vec::new(), Vec::new());
    let mut package = DpkgPackage::default();
    let mut line = Vec::new();
    // What was read last was not the end of its line: what follows is no field.
    let mut within = false;
    loop {
        line.clear();
        let read = status.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        let rest = std::mem::replace(&mut within, !line.ends_with(b"\n"));
        if rest && read > 0 {
            continue;
        }
        let blank = line.iter().all(u8::is_ascii_whitespace);
        if blank {
            let done = std::mem::take(&mut package);
            match done.status.split_whitespace().nth(2) {
                Some("installed" | "triggers-awaited" | "triggers-pending") => packages.push(done),
                Some(state @ ("half-installed" | "unpacked" | "half-configured")) => {
                    problems.push(format!("the package {} is {state}", done.name));
                }
                _ => {}
            }
        } else if !line.starts_with(b" ") {
            package.take(&String::from_utf8_lossy(&line));
        }
        if read == 0 {
            return Ok((packages, problems));
        }
    }
}

fn rpm() -> anyhow::Result<Vec<Software>> {
    let said = tool::ask("rpm", &["-qa", "--qf", RPM_FORMAT], RPM_DEADLINE, MAX_RPM_ANSWER)?;
    if !said.status.success() {
        bail!("rpm -qa: {}", said.complaint);
    }
    Ok(said.text.lines().filter_map(parse_rpm).collect())
}

/// One line of [`RPM_FORMAT`]. RPM writes `(none)` for what a package does not have.
fn parse_rpm(line: &str) -> Option<Software> {
    let mut fields = line.split('\t');
    let mut next = || fields.next().map(str::trim).filter(|field| !field.is_empty() && *field != "(none)");
    let name = next()?;
    // The keys that packages are checked with are kept as packages.
    if name == "gpg-pubkey" {
        return None;
    }
    let (version, architecture, vendor, installed) = (next(), next(), next(), next());
    let installed_on = installed.and_then(|seconds| DateTime::from_timestamp(seconds.parse().ok()?, 0));
    Some(Software {
        name: name.to_owned(),
        version: version.map(str::to_owned),
        publisher: vendor.map(str::to_owned),
        source: SoftwareSource::Rpm,
        user: None,
        architecture: architecture.map(str::to_owned),
        installed_on: installed_on.map(|at| at.date_naive()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "\
Package: adduser
Status: install ok installed
Priority: important
Maintainer: Debian Adduser Developers <adduser@packages.debian.org>
Architecture: all
Multi-Arch: foreign
Version: 3.134
Depends: passwd
Conffiles:
 /etc/adduser.conf 4b2c0e3b4b2c0e3b
Description: add and remove users and groups
 Package: not a field, but a line of the description

Package: old-thing
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0

Package: broken
Status: install reinstreq half-installed
Architecture: amd64
Version: 2.0

Package: libc6
Status: hold ok installed
Maintainer: M\u{fc}ller
Architecture: amd64
Version: 2.36-9+deb12u10
";

    #[test]
    fn what_dpkg_has_installed_is_told_and_what_it_left_unfinished_as_well() {
        let (packages, problems) = parse_dpkg(STATUS.as_bytes()).unwrap();
        let named: Vec<_> = packages.iter().map(|p| (p.name.as_str(), p.version.as_deref())).collect();
        assert_eq!(named, [("adduser", Some("3.134")), ("libc6", Some("2.36-9+deb12u10"))]);
        assert_eq!(problems, ["the package broken is half-installed"]);
        let date = NaiveDate::from_ymd_opt(2026, 11, 23);
        let software = packages.into_iter().nth(1).unwrap().into_software(|_| date);
        assert_eq!(software.publisher.as_deref(), Some("M\u{fc}ller"));
        assert_eq!((software.architecture.as_deref(), software.installed_on), (Some("amd64"), date));
    }

    #[test]
    fn lines_without_end_and_bytes_that_are_no_text_do_no_harm() {
        let mut status = b"Package: a\nStatus: install ok installed\nVersion: ".to_vec();
        status.extend(std::iter::repeat_n(b'9', 100_000));
        status.extend(b" Package: b\nMaintainer: \xff\xfe\n\n");
        let (packages, _) = parse_dpkg(status.as_slice()).unwrap();
        assert_eq!(packages.iter().map(|package| package.name.as_str()).collect::<Vec<_>>(), ["a"]);
        assert!(packages[0].version.as_ref().unwrap().len() <= 8 * 1024);
    }

    #[test]
    fn lines_of_rpm_become_software() {
        let text = "\
bash\t5.1.8-9.el9\tx86_64\tRed Hat, Inc.\t1700000000
bind-utils\t32:9.16.23-18.el9\tx86_64\t(none)\t1700000001
gpg-pubkey\t5a6340b3-6229229e\t(none)\t(none)\t1700000002
filesystem\t3.16-5.el9\t(none)\tRocky\t(none)
";
        let software: Vec<_> = text.lines().filter_map(parse_rpm).collect();
        assert_eq!(software.len(), 3);
        assert_eq!(software[0].installed_on, NaiveDate::from_ymd_opt(2023, 11, 14));
        assert_eq!(software[0].publisher.as_deref(), Some("Red Hat, Inc."));
        assert_eq!(software[1].version.as_deref(), Some("32:9.16.23-18.el9"));
        assert_eq!((&software[1].publisher, &software[2].architecture), (&None, &None));
        assert_eq!(software[2].installed_on, None);
    }
}
