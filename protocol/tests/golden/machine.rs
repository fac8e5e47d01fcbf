//! Reports: inventory sections, readings, command events; and every word that stands for a value.

use gururmm_protocol::command::{CommandEvent, CommandResult, Interpreter, Knowledge, Outcome, OutputStream};
use gururmm_protocol::envelope::Refusal;
use gururmm_protocol::handshake::RejectCode;
use gururmm_protocol::inventory::{
    Disk, DiskHealth, DiskMedia, Hardware, HotFix, InventoryReport, InventorySection, LocalGroup, LoggedInUser,
    MachineRole, NetworkInterface, OsFamily, OsIdentity, PackedSection, PendingReboot, SECTION_NAMES, Section, Service,
    ServiceStart, ServiceState, Software, SoftwareSource, UnreadSection, Volume, VolumeEncryption,
};
use gururmm_protocol::message::{FromAgent, Report};
use gururmm_protocol::readings::{Reading, VolumeUse};
use gururmm_protocol::selftest::{Check, CheckName, CheckState, SCHEMA, SelftestReport};

use crate::check::{Golden, all_words, variants};
use crate::fixed::{at, id};

variants!(report_variants, Report, {
    Report::Inventory(_) => "from_agent.report.inventory",
    Report::Readings { .. } => "from_agent.report.readings",
    Report::Command { .. } => "from_agent.report.command",
    Report::Decommissioned { .. } => "from_agent.report.decommissioned",
    Report::Unknown => "from_agent.report",
});

variants!(section_variants, Section, {
    Section::Os(_) => "from_agent.report.inventory.os",
    Section::Hardware(_) => "from_agent.report.inventory.hardware",
    Section::Volumes(_) => "from_agent.report.inventory.volumes",
    Section::Disks(_) => "from_agent.report.inventory.disks",
    Section::Network(_) => "from_agent.report.inventory.network",
    Section::Users(_) => "from_agent.report.inventory.users",
    Section::Groups(_) => "from_agent.report.inventory.groups",
    Section::Services(_) => "from_agent.report.inventory.services",
    Section::Software(_) => "from_agent.report.inventory.software",
    Section::HotFixes(_) => "from_agent.report.inventory.hot_fixes",
    Section::Reboot(_) => "from_agent.report.inventory.reboot",
});

variants!(event_variants, CommandEvent, {
    CommandEvent::Started { .. } => "from_agent.report.command.started",
    CommandEvent::Output { .. } => "from_agent.report.command.output",
    CommandEvent::Finished(_) => "from_agent.report.command.finished",
});

/// The services below, packed by another implementation (zlib).
const PACKED: &str = "\
    Rc2xCsJADIDhV5HMTrr1GRyEjiIS01gCd0m55IRS+u7eoeD6/cO/wSQze8AA59fpCUdwphDTBs7lLcTecMJAGG4bKGZuaVzMEpde\
    xJeE6+MXrkU0Dv/sgdG9VFXR+Sul77CGZQyhZkhkVbtejDCNqwdn2O/7Bw==";

pub fn variants() -> Vec<&'static str> {
    [report_variants(None), section_variants(None), event_variants(None)].concat()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// The sections of the first version.
fn first_sections() -> Vec<Section> {
    let os = OsIdentity {
        family: OsFamily::Windows,
        name: "Microsoft Windows Server 2022 Standard".into(),
        edition: some("ServerStandard"),
        version: some("10.0.20348"),
        build: some("20348.3807"),
        release: None,
        installed_at: None,
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
        uuid: None,
        bios_vendor: None,
        bios_version: None,
        bios_date: None,
        virtualization: None,
    };
    let volume = Volume {
        mount: "C:".into(),
        device: some("Windows"),
        file_system: some("NTFS"),
        total_bytes: 511_101_108_224,
        removable: false,
        encryption: None,
        encryption_method: None,
    };
    let interface = NetworkInterface {
        name: "Ethernet".into(),
        mac: some("02:00:5e:10:00:01"),
        addresses: vec!["192.0.2.7/24".into(), "2001:db8::7/64".into()],
        description: None,
        gateways: vec![],
        dns: vec![],
        dhcp: None,
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

/// The fields and sections that came with the whole inventory.
fn whole_sections() -> Vec<Section> {
    let date = |text: &str| text.parse().ok();
    first_sections()
        .into_iter()
        .filter_map(|section| match section {
            Section::Os(os) => {
                Some(Section::Os(OsIdentity { release: some("21H2"), installed_at: Some(at(-86_400 * 400)), ..os }))
            }
            Section::Hardware(hardware) => Some(Section::Hardware(Hardware {
                uuid: some("4c4c4544-0058-4b10-8032-b7c04f4d3134"),
                bios_vendor: some("Dell Inc."),
                bios_version: some("1.12.1"),
                bios_date: date("2024-09-13"),
                ..hardware
            })),
            Section::Volumes(mut volumes) => {
                volumes[0].encryption = Some(VolumeEncryption::Encrypted);
                volumes[0].encryption_method = some("BitLocker XTS-AES 256");
                Some(Section::Volumes(volumes))
            }
            Section::Network(mut interfaces) => {
                interfaces[0].description = some("Broadcom NetXtreme Gigabit Ethernet");
                interfaces[0].gateways = vec!["192.0.2.1".into()];
                interfaces[0].dns = vec!["192.0.2.53".into(), "2001:db8::53".into()];
                interfaces[0].dhcp = Some(false);
                Some(Section::Network(interfaces))
            }
            _ => None,
        })
        .collect()
}

fn lists() -> Vec<Section> {
    let date = |text: &str| text.parse().ok();
    let disk = Disk {
        name: "PHYSICALDRIVE0".into(),
        model: some("DELL PERC H755"),
        serial: some("00e2c1"),
        bus: some("raid"),
        media: DiskMedia::Ssd,
        total_bytes: 511_101_108_224,
        health: DiskHealth::Warning,
        health_detail: some("SMART: 12 reallocated sectors"),
    };
    let group = LocalGroup {
        name: "Administrators".into(),
        id: some("S-1-5-32-544"),
        members: vec!["Administrator".into(), r"ACME\Domain Admins".into()],
    };
    let service = Service {
        name: "Spooler".into(),
        display_name: some("Print Spooler"),
        state: ServiceState::Running,
        start: ServiceStart::Automatic,
        account: some("LocalSystem"),
    };
    let software = Software {
        name: "7-Zip 24.08 (x64)".into(),
        version: some("24.08"),
        publisher: some("Igor Pavlov"),
        source: SoftwareSource::Machine,
        user: None,
        architecture: some("x64"),
        installed_on: date("2025-02-11"),
    };
    let of_a_user = Software {
        name: "Zoom".into(),
        version: None,
        publisher: None,
        source: SoftwareSource::User,
        user: some(r"ACME\zoë"),
        architecture: None,
        installed_on: None,
    };
    let fix = HotFix { id: "KB5034439".into(), description: some("Security Update"), installed_on: date("2024-01-12") };
    vec![
        Section::Disks(vec![disk]),
        Section::Groups(vec![group]),
        Section::Services(vec![service]),
        Section::Software(vec![software, of_a_user]),
        Section::HotFixes(vec![fix]),
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
    let inventory = |sections: Vec<InventorySection>| Report::Inventory(sections.into());
    let plain = |content| InventorySection::new(content, vec![]).unwrap();
    for content in first_sections().into_iter().chain(lists()) {
        all.push(golden(format!("inventory.{}", content.name()), inventory(vec![plain(content)])));
    }
    for content in whole_sections() {
        all.push(golden(format!("inventory.{}.whole", content.name()), inventory(vec![plain(content)])));
    }
    let problem = "profile of S-1-5-21-1-2-3-1001: the registry hive cannot be loaded".to_owned();
    let partly = InventorySection::new(lists().swap_remove(3), vec![problem]).unwrap();
    all.push(golden("inventory.problems".into(), inventory(vec![partly])));
    // Another implementation of RFC 1951 may deflate otherwise: only its reading is fixed.
    let packed = PackedSection { digest: "3f2b".into(), deflated: PACKED.into() };
    all.push(golden(
        "inventory.packed".into(),
        Report::Inventory(InventoryReport { packed: vec![packed], ..InventoryReport::default() }),
    ));
    let unread = UnreadSection::new("disks", "WMI did not answer within 20 s".into()).unwrap();
    all.push(golden(
        "inventory.unread".into(),
        Report::Inventory(InventoryReport { unread: vec![unread], ..InventoryReport::default() }),
    ));
    for (name, event) in events() {
        all.push(golden(format!("command.{name}"), Report::Command { id: id(10), event }));
    }
    all.push(Golden::new("selftest", selftest()));
    all
}

/// Not a message of its own: the output of a command.
fn selftest() -> SelftestReport {
    let ok = Check {
        name: CheckName::Disk,
        state: CheckState::Ok,
        code: "writable".into(),
        reason: "The data directory takes files, and there is space.".into(),
        fix: None,
        evidence: vec![],
        duration_ms: 12,
    };
    let failed = Check {
        name: CheckName::Tls,
        state: CheckState::Failed,
        code: "unknown_issuer".into(),
        reason: "The server's certificate was issued by an authority that this machine does not trust.".into(),
        fix: some("Install the authority's certificate on this machine."),
        evidence: vec!["rmm.example.com:443".into(), "invalid peer certificate: UnknownIssuer".into()],
        duration_ms: 48,
    };
    SelftestReport {
        schema: SCHEMA,
        agent_version: "0.1.0".into(),
        system: "windows x86_64".into(),
        started_at: at(60),
        duration_ms: 2_310,
        overall: CheckState::Failed,
        checks: vec![ok, failed],
    }
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
        Golden::new("words.disk_media", all_words!(DiskMedia: Hdd, Ssd, Unknown)),
        Golden::new("words.disk_health", all_words!(DiskHealth: Healthy, Warning, Failing, Unknown)),
        Golden::new(
            "words.volume_encryption",
            all_words!(VolumeEncryption: Encrypted, Suspended, Encrypting, Decrypting, Unencrypted, Unknown),
        ),
        Golden::new(
            "words.service_state",
            all_words!(ServiceState: Running, Stopped, Starting, Stopping, Paused, Failed, Unknown),
        ),
        Golden::new(
            "words.service_start",
            all_words!(ServiceStart: Automatic, AutomaticDelayed, Manual, Disabled, Unknown),
        ),
        Golden::new("words.software_source", all_words!(SoftwareSource: Machine, Machine32, User, Dpkg, Rpm, Other)),
        Golden::new(
            "words.check_name",
            all_words!(CheckName: Permissions, Disk, Enrollment, ServiceManager, NameResolution, Proxy, Tls, Reachability,
                ServerIdentity, AgentSocket, Clock, Wmi, TaskScheduler, Unknown),
        ),
        Golden::new("words.check_state", all_words!(CheckState: Ok, Warning, Failed, Skipped)),
        Golden::new("words.machine_role", all_words!(MachineRole: Workstation, Server, DomainController, Unknown)),
    ]
}

#[test]
fn the_list_of_section_names_is_complete() {
    let mut names: Vec<&str> = first_sections().iter().chain(&lists()).map(Section::name).collect();
    names.sort_unstable();
    let mut listed = SECTION_NAMES;
    listed.sort_unstable();
    assert_eq!(names, listed);
}

#[test]
fn a_packed_section_of_the_first_version_is_still_unpacked() {
    let packed = PackedSection { digest: "3f2b".into(), deflated: PACKED.into() };
    assert_eq!(packed.unpack().unwrap().content, lists().swap_remove(2));
}
