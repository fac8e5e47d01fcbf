//! Operating system identity.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use gururmm_protocol::inventory::{OsFamily, OsIdentity};
use sysinfo::System;

use super::identity::hostname;
use super::{MAX_TEXT, read_line, read_text, role};
use crate::core::inventory::Look;

/// What `/etc/os-release`, the kernel and the machine's configuration say.
///
/// # Errors
/// None: whatever is missing stays empty.
pub fn os_identity() -> Look<OsIdentity> {
    let release = read_text("/etc/os-release", MAX_TEXT)
        .or_else(|_| read_text("/usr/lib/os-release", MAX_TEXT))
        .map(|text| parse_os_release(&text))
        .unwrap_or_default();
    let get = |key: &str| release.get(key).cloned();
    let hostname = hostname();
    let os = OsIdentity {
        family: OsFamily::Linux,
        name: get("PRETTY_NAME").or_else(|| get("NAME")).unwrap_or_else(|| "Linux".to_owned()),
        edition: get("VARIANT"),
        version: get("VERSION_ID"),
        build: read_line("/proc/sys/kernel/osrelease"),
        release: get("VERSION_CODENAME"),
        installed_at: installed_at(),
        architecture: std::env::consts::ARCH.to_owned(),
        role: role::role(get("VARIANT_ID").as_deref()),
        domain: domain(&hostname),
        hostname,
        time_zone: time_zone(),
        booted_at: System::boot_time()
            .ok()
            .and_then(|seconds| i64::try_from(seconds).ok())
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
    };
    Ok(os.into())
}

/// What an installation leaves behind (the logs of Debian's and of Red Hat's installer), or the machine's id, which is
/// written once at the first start (machine-id(5)): the first of them that is there tells when.
fn installed_at() -> Option<DateTime<Utc>> {
    let written = |path: &str| std::fs::metadata(path).ok()?.modified().ok();
    let at = ["/var/log/installer", "/var/log/anaconda", "/etc/machine-id"].into_iter().find_map(written)?;
    DateTime::from_timestamp(DateTime::<Utc>::from(at).timestamp(), 0)
}

/// The format of os-release(5): shell-like assignments, values perhaps quoted.
fn parse_os_release(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| {
            let (key, value) = line.trim().split_once('=')?;
            let value = value.trim();
            let quoted = ['"', '\''].into_iter().find_map(|q| value.strip_prefix(q)?.strip_suffix(q));
            Some((key.to_owned(), quoted.unwrap_or(value).replace("\\\"", "\"").replace("\\$", "$")))
        })
        .filter(|(key, value)| !key.starts_with('#') && !value.is_empty())
        .collect()
}

/// The zone that `/etc/localtime` links to, or the name in `/etc/timezone`.
fn time_zone() -> Option<String> {
    let link = std::fs::read_link("/etc/localtime").ok();
    link.as_deref().and_then(zone_of_link).or_else(|| read_line("/etc/timezone"))
}

fn zone_of_link(target: &Path) -> Option<String> {
    let target = target.to_str()?;
    let (_, zone) = target.split_once("zoneinfo/")?;
    Some(zone.to_owned())
}

/// The DNS domain of a full host name, or the Kerberos realm of a machine that is joined to one (it has a key table).
fn domain(hostname: &str) -> Option<String> {
    if let Some((_, domain)) = hostname.split_once('.')
        && !domain.is_empty()
    {
        return Some(domain.to_owned());
    }
    if !Path::new("/etc/krb5.keytab").exists() {
        return None;
    }
    let text = read_text("/etc/krb5.conf", MAX_TEXT).ok()?;
    let (_, realm) = text.lines().filter_map(|line| line.split_once('=')).find(|(k, _)| k.trim() == "default_realm")?;
    Some(realm.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_values_with_and_without_quotes() {
        let parsed = parse_os_release("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=12\n# x=y\nEMPTY=\n");
        assert_eq!(parsed["PRETTY_NAME"], "Debian GNU/Linux 12 (bookworm)");
        assert_eq!(parsed["VERSION_ID"], "12");
        assert!(!parsed.contains_key("EMPTY"));
    }

    #[test]
    fn the_zone_is_what_the_link_names() {
        assert_eq!(zone_of_link(Path::new("/usr/share/zoneinfo/Europe/Berlin")).as_deref(), Some("Europe/Berlin"));
        assert_eq!(zone_of_link(Path::new("../etc/other")), None);
    }

    #[test]
    fn the_domain_is_the_rest_of_a_full_host_name() {
        assert_eq!(domain("web1.example.com").as_deref(), Some("example.com"));
    }
}
