//! Reports: inventory sections, readings, command events; and every word that stands for a value.

use gururmm_protocol::command::{CommandEvent, CommandResult, Interpreter, Knowledge, Outcome, OutputStream};
use gururmm_protocol::envelope::Refusal;
use gururmm_protocol::handshake::RejectCode;
use gururmm_protocol::inventory::{
    Hardware, LoggedInUser, MachineRole, NetworkInterface, OsFamily, OsIdentity, PendingReboot, SECTION_NAMES, Section,
    Volume,
};
use gururmm_protocol::message::{FromAgent, InventorySection, Report};
use gururmm_protocol::readings::{Reading, VolumeUse};

use crate::check::{Golden, all_words, variants};
use crate::fixed::{at, id};

variants!(report_variants, Report, {
    Report::Inventory { .. } => "from_agent.report.inventory",
    Report::Readings { .. } => "from_agent.report.readings",
    Report::Command { .. } => "from_agent.report.command",
    Report::Decommissioned { .. } => "from_agent.report.decommissioned",
    Report::Unknown => "from_agent.report",
});

variants!(section_variants, Section, {
    Section::Os(_) => "from_agent.report.inventory.os",
    Section::Hardware(_) => "from_agent.report.inventory.hardware",
    Section::Volumes(_) => "from_agent.report.inventory.volumes",
    Section::Network(_) => "from_agent.report.inventory.network",
    Section::Users(_) => "from_agent.report.inventory.users",
    Section::Reboot(_) => "from_agent.report.inventory.reboot",
});

variants!(event_variants, CommandEvent, {
    CommandEvent::Started { .. } => "from_agent.report.command.started",
    CommandEvent::Output { .. } => "from_agent.report.command.output",
    CommandEvent::Finished(_) => "from_agent.report.command.finished",
});

pub fn variants() -> Vec<&'static str> {
    [report_variants(None), section_variants(None), event_variants(None)].concat()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn sections() -> Vec<Section> {
    let os = OsIdentity {
        family: OsFamily::Windows,
        name: "Microsoft Windows Server 2022 Standard".into(),
        edition: some("ServerStandard"),
        version: some("10.0.20348"),
        build: some("20348.3807"),
        architecture: "x86_64".into(),
        role: MachineRole::DomainController,
        hostname: "ACME-DC01".into(),
        domain: some("acme.example"),
        time_zone: some("Europe/Berlin"),
        booted_at: Some(at(-86_400)),
    };
    let hardware = Hardware {
        manufacturer: some("Dell Inc."),
        model: some("PowerEdge R650"),
        serial: some("7XK2M14"),
        cpu: some("Intel(R) Xeon(R) Silver 4314 CPU @ 2.40GHz"),
        cores: Some(16),
        threads: Some(32),
        memory_bytes: Some(137_438_953_472),
        virtualization: None,
    };
    let volume = Volume {
        mount: "C:".into(),
        device: some("Windows"),
        file_system: some("NTFS"),
        total_bytes: 511_101_108_224,
        removable: false,
    };
    let interface = NetworkInterface {
        name: "Ethernet".into(),
        mac: some("02:00:5e:10:00:01"),
        addresses: vec!["192.0.2.7/24".into(), "2001:db8::7/64".into()],
    };
    let user = LoggedInUser {
        name: r"ACME\zoë".into(),
        session: some("rdp-tcp#3"),
        host: some("192.0.2.40"),
        since: Some(at(-3_600)),
    };
    let source = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired";
    vec![
        Section::Os(os),
        Section::Hardware(hardware),
        Section::Volumes(vec![volume]),
        Section::Network(vec![interface]),
        Section::Users(vec![user]),
        Section::Reboot(PendingReboot { pending: Some(true), sources: vec![source.into()] }),
    ]
}

fn reading() -> Reading {
    Reading {
        at: at(60),
        cpu_percent: 12.5,
        memory_used_bytes: 8_589_934_592,
        memory_total_bytes: 17_179_869_184,
        uptime_seconds: 86_460,
        volumes: vec![VolumeUse { mount: "C:".into(), used_bytes: 210_453_397_504, total_bytes: 511_101_108_224 }],
    }
}

fn events() -> Vec<(&'static str, CommandEvent)> {
    let finished = CommandResult {
        outcome: Outcome::Failed,
        exit_code: Some(3),
        signal: None,
        reason: None,
        started_at: Some(at(1)),
        finished_at: at(2),
        output_chunks: 1,
        output_dropped_bytes: 0,
    };
    let killed = CommandResult {
        outcome: Outcome::TimedOut,
        exit_code: None,
        signal: Some(9),
        reason: some("it ran longer than 60 s"),
        output_dropped_bytes: 4_096,
        ..finished
    };
    let output = CommandEvent::Output { index: 0, stream: OutputStream::Stderr, text: "Zoë\r\n\u{1b}[31mred".into() };
    vec![
        ("started", CommandEvent::Started { started_at: at(1) }),
        ("output", output),
        ("finished", CommandEvent::Finished(finished)),
        ("finished.killed", CommandEvent::Finished(killed)),
    ]
}

pub fn reports() -> Vec<Golden> {
    let golden =
        |name: String, report| Golden::new(format!("from_agent.report.{name}"), FromAgent::Report { seq: 1, report });
    let mut all = vec![
        golden("readings".into(), Report::Readings { readings: vec![reading()] }),
        golden("decommissioned".into(), Report::Decommissioned { envelope_id: id(10) }),
    ];
    for content in sections() {
        let name = format!("inventory.{}", content.name());
        let section = InventorySection { digest: content.digest().unwrap(), content };
        all.push(golden(name, Report::Inventory { sections: vec![section] }));
    }
    for (name, event) in events() {
        all.push(golden(format!("command.{name}"), Report::Command { id: id(10), event }));
    }
    all
}

/// Every value of every enum without content.
pub fn words() -> Vec<Golden> {
    vec![
        Golden::new(
            "words.refusal",
            all_words!(Refusal: Malformed, UnknownKey, BadSignature, OtherAgent, Expired, OldEpoch, UnknownAction),
        ),
        Golden::new(
            "words.reject_code",
            all_words!(RejectCode: UnknownKey, BadProof, Quarantined, ProtocolUnsupported, ProtocolViolation,
                Displaced, Busy, ShuttingDown, Other),
        ),
        Golden::new("words.outcome", all_words!(Outcome: Succeeded, Failed, TimedOut, Cancelled, Expired, Unknown)),
        Golden::new("words.knowledge", all_words!(Knowledge: NeverHad, InProgress, Finished)),
        Golden::new("words.interpreter", all_words!(Interpreter: Sh, Cmd, Powershell)),
        Golden::new("words.output_stream", all_words!(OutputStream: Stdout, Stderr)),
        Golden::new("words.os_family", all_words!(OsFamily: Windows, Linux, Other)),
        Golden::new("words.machine_role", all_words!(MachineRole: Workstation, Server, DomainController, Unknown)),
    ]
}

#[test]
fn the_list_of_section_names_is_complete() {
    let names: Vec<&str> = sections().iter().map(Section::name).collect();
    assert_eq!(names, SECTION_NAMES);
}
