//! Whether a restart is pending.

use gururmm_protocol::inventory::PendingReboot;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signs {
    /// Registry keys that exist only while a restart is pending, as far as they were found.
    pub keys: Vec<&'static str>,
    /// Registry values that say so, as far as they were found.
    pub values: Vec<&'static str>,
    /// `PendingFileRenameOperations` and `PendingFileRenameOperations2` of the session manager, one after the other.
    pub file_operations: Vec<String>,
    /// The computer's name until the next restart, and after it.
    pub names: Option<(String, String)>,
    /// What the client of Microsoft's Configuration Manager says, where there is one.
    pub configuration_manager: Option<bool>,
    /// Whether something could not be read.
    pub unread: bool,
}

/// Registry keys under `HKLM` that exist only while a restart is pending.
pub const KEYS: [&str; 7] = [
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootInProgress",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\PackagesPending",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\PostRebootReporting",
    r"SOFTWARE\Microsoft\ServerManager\CurrentRebootAttempts",
    // Its subkeys, one for each update that waits.
    WAITING_UPDATES,
];
/// A key that is always there; an update that waits for a restart has a subkey.
pub const WAITING_UPDATES: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Services\Pending";

/// Registry values under `HKLM` (key, value) that exist only while a restart is pending: joining a domain, and installers.
pub const VALUES: [(&str, &str, &str); 4] = [
    (r"SYSTEM\CurrentControlSet\Services\Netlogon", "JoinDomain", "the computer joined a domain"),
    (r"SYSTEM\CurrentControlSet\Services\Netlogon", "AvoidSpnSet", "the computer was renamed in its domain"),
    (
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\RunOnce",
        "DVDRebootSignal",
        "an installer continues at the next start",
    ),
    (r"SOFTWARE\Microsoft\Updates", "UpdateExeVolatile", "an update of an older kind waits"),
];

/// What the signs mean. Without any sign it is only certain that no restart is pending when everything could be read.
#[must_use]
pub fn pending(signs: Signs) -> PendingReboot {
    let mut sources: Vec<String> = signs.keys.iter().map(|key| format!(r"HKLM\{key}")).collect();
    sources.extend(signs.values.iter().map(|words| (*words).to_owned()));
    let replacements = replacements(&signs.file_operations);
    sources.extend(replacements.into_iter().map(|path| format!("file to be replaced: {path}")));
    if let Some((active, next)) = signs.names
        && !active.eq_ignore_ascii_case(&next)
    {
        sources.push(format!("the computer is to be renamed from {active} to {next}"));
    }
    if signs.configuration_manager == Some(true) {
        sources.push("Configuration Manager".to_owned());
    }
    let pending = if sources.is_empty() { (!signs.unread).then_some(false) } else { Some(true) };
    PendingReboot { pending, sources }
}

/// Files that are replaced at the next start: until then the old ones run. Operations come in pairs of source and
/// destination; an empty destination means deletion, which browsers, drivers and cleaners ask for all the time and for
/// which nobody needs to restart. Nor does anybody for files in temporary folders.
fn replacements(operations: &[String]) -> Vec<String> {
    let mut paths: Vec<_> = operations
        .chunks_exact(2)
        // `!` stands before a destination that may be overwritten; `\??\` is the kernel's name of the drives.
        .map(|pair| pair[1].trim_start_matches('!').trim_start_matches(r"\??\"))
        .filter(|path| !path.is_empty() && !path.to_ascii_lowercase().contains(r"\temp\"))
        .map(str::to_owned)
        .collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// Splits a `REG_MULTI_SZ` at its zeros. The usual readers of such values stop at the first empty text, but here empty
/// texts have a meaning.
#[must_use]
pub fn file_operations(value: &[u8]) -> Vec<String> {
    let units: Vec<u16> = value.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let mut texts: Vec<String> = units.split(|unit| *unit == 0).map(String::from_utf16_lossy).collect();
    // The last text's zero and the value's own end leave two empty ones, of which one may be the last destination.
    texts.truncate(texts.len() - texts.len() % 2);
    while texts.len() >= 2 && texts[texts.len() - 2..].iter().all(String::is_empty) {
        texts.truncate(texts.len() - 2);
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multi(texts: &[&str]) -> Vec<u8> {
        let mut units: Vec<u16> = texts.iter().flat_map(|text| text.encode_utf16().chain([0])).collect();
        units.push(0);
        units.into_iter().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn deletions_and_temporary_files_are_no_reason_to_restart() {
        let value = multi(&[
            r"\??\C:\Program Files\Google\Chrome\Application\old_chrome.exe",
            "",
            r"\??\C:\Windows\Temp\a.tmp",
            r"!\??\C:\Users\x\AppData\Local\Temp\b.dll",
            r"\??\C:\Windows\System32\spool\new.dll",
            r"!\??\C:\Windows\System32\spool\PRTPROCS\x64\winprint.dll",
            r"\??\C:\last.tmp",
            "",
        ]);
        let file_operations = file_operations(&value);
        assert_eq!(file_operations.len(), 8);
        let found = pending(Signs { file_operations, ..Signs::default() });
        assert_eq!(found.pending, Some(true));
        assert_eq!(found.sources, [r"file to be replaced: C:\Windows\System32\spool\PRTPROCS\x64\winprint.dll"]);
    }

    #[test]
    fn only_deletions_mean_no_restart() {
        let file_operations = file_operations(&multi(&[r"\??\C:\x.tmp", "", r"\??\C:\y.tmp", ""]));
        assert_eq!(pending(Signs { file_operations, ..Signs::default() }).pending, Some(false));
        assert_eq!(super::file_operations(&[]), Vec::<String>::new());
        assert_eq!(super::file_operations(&[0, 0]), Vec::<String>::new());
    }

    #[test]
    fn each_source_is_named() {
        let signs = Signs {
            keys: vec![KEYS[0]],
            values: vec![VALUES[0].2],
            names: Some(("OLD".into(), "NEW".into())),
            configuration_manager: Some(true),
            ..Signs::default()
        };
        assert_eq!(
            pending(signs).sources,
            [
                r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
                "the computer joined a domain",
                "the computer is to be renamed from OLD to NEW",
                "Configuration Manager",
            ]
        );
    }

    #[test]
    fn unread_signs_leave_it_open_unless_another_is_found() {
        assert_eq!(pending(Signs { unread: true, ..Signs::default() }).pending, None);
        assert_eq!(pending(Signs { unread: true, keys: vec![KEYS[3]], ..Signs::default() }).pending, Some(true));
        let same = Some(("PC".to_owned(), "pc".to_owned()));
        assert_eq!(pending(Signs { names: same, ..Signs::default() }).pending, Some(false));
    }
}
