//! How a disk feels, by what smartctl reads from it (smartmontools, `smartctl --json`).

use std::time::Duration;

use anyhow::bail;
use gururmm_protocol::inventory::DiskHealth;
use serde::Deserialize;

use super::tool;

/// For one disk. A dying one takes its time to answer.
const DEADLINE: Duration = Duration::from_secs(10);
const MAX_ANSWER: usize = 512 * 1024;
/// The disk sleeps and was not woken.
const EXIT_ASLEEP: i32 = 3;

/// Whether the program is installed.
pub(super) fn is_installed() -> bool {
    tool::exists("smartctl")
}

/// A disk's health, and what that rests on.
///
/// # Errors
/// In words, when it cannot be told.
pub(super) fn health(device: &str) -> anyhow::Result<(DiskHealth, String)> {
    let asleep = format!("--nocheck=standby,{EXIT_ASLEEP}");
    let arguments = ["--json=c", "--health", "--attributes", asleep.as_str(), device];
    let said = tool::ask("smartctl", &arguments, DEADLINE, MAX_ANSWER)?;
    if said.status.code() == Some(EXIT_ASLEEP) {
        bail!("the disk sleeps and was not woken");
    }
    judge(&said.text)
}

#[derive(Deserialize)]
struct Answer {
    smart_status: Option<Status>,
    ata_smart_attributes: Option<Attributes>,
    nvme_smart_health_information_log: Option<NvmeLog>,
    #[serde(default)]
    smartctl: Smartctl,
}

#[derive(Deserialize)]
struct Status {
    passed: bool,
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(default)]
    table: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    id: u8,
    raw: Raw,
}

#[derive(Deserialize)]
struct Raw {
    value: u64,
}

/// NVM Express base specification, SMART / Health Information (log page 02h).
#[derive(Deserialize)]
struct NvmeLog {
    #[serde(default)]
    critical_warning: u8,
    #[serde(default)]
    percentage_used: u16,
    #[serde(default)]
    media_errors: u64,
}

#[derive(Deserialize, Default)]
struct Smartctl {
    #[serde(default)]
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    string: String,
}

/// From what wear an NVMe disk should be replaced, percent of what its maker meant it for.
const WORN: u16 = 90;
/// Attributes of ATA disks whose raw value counts sectors that went bad, by their usual numbers.
const BAD_SECTORS: [(u8, &str); 3] =
    [(5, "reallocated sectors"), (197, "sectors that wait to be reallocated"), (198, "unreadable sectors")];
/// Bits of an NVMe disk's critical warning.
const NVME_WARNINGS: [(u8, &str); 5] = [
    (0, "its spare is used up"),
    (1, "it is too hot or too cold"),
    (2, "it is not reliable any more"),
    (3, "it takes no more writes"),
    (4, "its backup power has failed"),
];

/// What smartctl's JSON says of health. Numbers that count hours or degrees are left out: the section would change with
/// each look.
fn judge(json: &str) -> anyhow::Result<(DiskHealth, String)> {
    let answer: Answer =
        serde_json::from_str(json).map_err(|error| anyhow::anyhow!("smartctl's answer cannot be read: {error}"))?;
    let mut signs = Vec::new();
    let mut failing = false;
    if let Some(log) = &answer.nvme_smart_health_information_log {
        failing = log.critical_warning & 0b1100 != 0;
        let set = NVME_WARNINGS.into_iter().filter(|(bit, _)| log.critical_warning & (1 << bit) != 0);
        signs.extend(set.map(|(_, text)| text.to_owned()));
        if log.percentage_used >= WORN {
            signs.push(format!("{} % of its life is used", log.percentage_used));
        }
        if log.media_errors > 0 {
            signs.push(format!("{} media errors", log.media_errors));
        }
    }
    for attribute in answer.ata_smart_attributes.iter().flat_map(|attributes| &attributes.table) {
        // The upper bytes of a raw value hold other things with some makers.
        let count = attribute.raw.value & 0xffff_ffff;
        if let Some((_, name)) = BAD_SECTORS.iter().find(|(id, _)| *id == attribute.id && count > 0) {
            signs.push(format!("{count} {name}"));
        }
    }
    match answer.smart_status {
        Some(Status { passed: false }) => {
            signs.insert(0, "it says that it fails".to_owned());
            failing = true;
        }
        Some(Status { passed: true }) => {}
        None if answer.nvme_smart_health_information_log.is_none() => {
            let message = answer.smartctl.messages.into_iter().next().map(|message| message.string);
            bail!("{}", message.unwrap_or_else(|| "the disk does not tell".to_owned()));
        }
        None => {}
    }
    let health = match (failing, signs.is_empty()) {
        (true, _) => DiskHealth::Failing,
        (false, false) => DiskHealth::Warning,
        (false, true) => DiskHealth::Healthy,
    };
    let detail = if signs.is_empty() { "SMART: passed".to_owned() } else { format!("SMART: {}", signs.join(", ")) };
    Ok((health, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(json: &str) -> (DiskHealth, String) {
        judge(json).unwrap()
    }

    #[test]
    fn an_ata_disk_with_and_without_bad_sectors() {
        let ata = |passed: bool, reallocated: u64, pending: u64| {
            judged(&format!(
                r#"{{"json_format_version":[1,0],"smartctl":{{"version":[7,3],"exit_status":0}},
                "device":{{"name":"/dev/sda","type":"sat","protocol":"ATA"}},"smart_status":{{"passed":{passed}}},
                "ata_smart_attributes":{{"revision":16,"table":[
                {{"id":5,"name":"Reallocated_Sector_Ct","value":100,"worst":100,"thresh":10,"when_failed":"",
                 "flags":{{"value":51,"string":"PO--CK "}},"raw":{{"value":{reallocated},"string":"x"}}}},
                {{"id":9,"name":"Power_On_Hours","value":95,"raw":{{"value":23456,"string":"23456"}}}},
                {{"id":197,"name":"Current_Pending_Sector","value":100,"raw":{{"value":{pending},"string":"0"}}}}]}}}}"#
            ))
        };
        assert_eq!(ata(true, 0, 0), (DiskHealth::Healthy, "SMART: passed".into()));
        let warned = "SMART: 12 reallocated sectors, 1 sectors that wait to be reallocated";
        assert_eq!(ata(true, 12, 1), (DiskHealth::Warning, warned.into()));
        assert_eq!(ata(false, 0, 0), (DiskHealth::Failing, "SMART: it says that it fails".into()));
        assert_eq!(ata(true, 7 << 32, 0).0, DiskHealth::Healthy, "only the lower bytes count");
    }

    #[test]
    fn an_nvme_disk_warns_by_bits_and_by_wear() {
        let nvme = |warning: u8, used: u16| {
            judged(&format!(
                r#"{{"smart_status":{{"passed":true,"nvme":{{"value":0}}}},"nvme_smart_health_information_log":
                {{"critical_warning":{warning},"temperature":36,"available_spare":100,"percentage_used":{used},
                "media_errors":0,"power_on_hours":1234}}}}"#
            ))
        };
        assert_eq!(nvme(0, 3).0, DiskHealth::Healthy);
        assert_eq!(nvme(0, 95), (DiskHealth::Warning, "SMART: 95 % of its life is used".into()));
        assert_eq!(nvme(1, 3), (DiskHealth::Warning, "SMART: its spare is used up".into()));
        assert_eq!(nvme(8, 3), (DiskHealth::Failing, "SMART: it takes no more writes".into()));
    }

    #[test]
    fn a_disk_that_does_not_tell_is_unknown_with_the_reason() {
        let json = r#"{"smartctl":{"exit_status":4,"messages":[{"string":"/dev/sda: Unknown USB bridge [0x0bc2]",
            "severity":"error"}]}}"#;
        assert_eq!(judge(json).unwrap_err().to_string(), "/dev/sda: Unknown USB bridge [0x0bc2]");
        assert_eq!(judge("{}").unwrap_err().to_string(), "the disk does not tell");
        assert!(judge("").is_err());
    }
}
