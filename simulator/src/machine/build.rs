//! Builds a machine from random numbers.

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::enroll::MachineIdentity;
use gururmm_protocol::inventory::{
    Disk, DiskHealth, DiskMedia, Hardware, LocalGroup, LoggedInUser, MachineRole, NetworkInterface, OsFamily,
    OsIdentity, PendingReboot, Volume, VolumeEncryption,
};

use super::names::{self, Flavour};
use super::{Machine, MachineKind, catalog};
use crate::random;

const GIB: u64 = 1 << 30;
/// 2026-11-01 00:00 UTC: machines start in the days after it until [`Machine::restart`] says otherwise.
const FIRST_BOOT: i64 = 1_793_491_200;

pub fn build(seed: u64, flavour: usize) -> Machine {
    let rng = &mut random::stream(seed, "machine");
    let flavour = &names::FLAVOURS[flavour % names::FLAVOURS.len()];
    let kind = match rng.u32(0..100) {
        0..62 => MachineKind::WindowsWorkstation,
        62..78 => MachineKind::WindowsServer,
        78..84 => MachineKind::DomainController,
        _ => MachineKind::LinuxServer,
    };
    let identity = identity(rng, kind, flavour);
    let booted_at = DateTime::from_timestamp(FIRST_BOOT, 0).unwrap_or_default()
        + TimeDelta::seconds(i64::from(rng.u32(0..20 * 86_400)));
    let hardware = hardware(rng, kind);
    let volumes = volumes(rng, kind);
    Machine {
        kind,
        os: os(rng, kind, flavour, &identity.hostname, booted_at),
        disks: disks(&mut random::stream(seed, "disks"), kind, &hardware, &volumes),
        volumes,
        network: network(rng, kind, flavour),
        users: users(rng, kind, flavour, booted_at),
        groups: groups(kind, flavour),
        reboot: reboot(rng, kind),
        hardware,
        identity,
        seed,
        updates: 0,
    }
}

fn pick<T: Copy>(rng: &mut fastrand::Rng, list: &[T]) -> T {
    list[rng.usize(0..list.len())]
}

fn hex_text(rng: &mut fastrand::Rng, bytes: usize) -> String {
    (0..bytes).map(|_| format!("{:02x}", rng.u8(..))).collect()
}

fn identity(rng: &mut fastrand::Rng, kind: MachineKind, flavour: &Flavour) -> MachineIdentity {
    let number = rng.u32(1..1000);
    let prefix = flavour.prefix;
    let hostname = match kind {
        MachineKind::WindowsWorkstation => {
            format!("{prefix}-{}{number:03}", pick(rng, &["WS", "LT", "PC"]))
        }
        MachineKind::WindowsServer => format!("{prefix}-{}{:02}", pick(rng, &names::SERVER_PURPOSES), number % 100),
        MachineKind::DomainController => format!("{prefix}-DC{:02}", number % 100),
        MachineKind::LinuxServer => {
            format!("{}-{}{:02}", prefix, pick(rng, &["web", "db", "mail", "proxy", "git", "mon"]), number % 100)
                .to_lowercase()
        }
    };
    MachineIdentity { machine_id: hex_text(rng, 32), boot_id: hex_text(rng, 16), hostname }
}

fn os(
    rng: &mut fastrand::Rng,
    kind: MachineKind,
    flavour: &Flavour,
    hostname: &str,
    booted_at: DateTime<Utc>,
) -> OsIdentity {
    let (family, role, (name, edition, version, build)) = match kind {
        MachineKind::WindowsWorkstation => {
            (OsFamily::Windows, MachineRole::Workstation, pick(rng, &names::WINDOWS_CLIENTS))
        }
        MachineKind::WindowsServer => (OsFamily::Windows, MachineRole::Server, pick(rng, &names::WINDOWS_SERVERS)),
        MachineKind::DomainController => {
            (OsFamily::Windows, MachineRole::DomainController, pick(rng, &names::WINDOWS_SERVERS))
        }
        MachineKind::LinuxServer => (OsFamily::Linux, MachineRole::Server, pick(rng, &names::LINUX_SERVERS)),
    };
    OsIdentity {
        family,
        name: name.to_owned(),
        edition: Some(edition.to_owned()),
        version: Some(version.to_owned()),
        build: Some(build.to_owned()),
        release: None,
        installed_at: None,
        architecture: "x86_64".to_owned(),
        role,
        hostname: hostname.to_owned(),
        domain: Some(flavour.domain.to_owned()),
        time_zone: Some(flavour.time_zone.to_owned()),
        booted_at: Some(booted_at),
    }
}

fn hardware(rng: &mut fastrand::Rng, kind: MachineKind) -> Hardware {
    let workstation = kind == MachineKind::WindowsWorkstation;
    let virtual_machine = !workstation && rng.u32(0..100) < 70;
    let (manufacturer, model, virtualization) = if virtual_machine {
        let (maker, model, hypervisor) = pick(rng, &names::VIRTUAL);
        (maker, model, Some(hypervisor.to_owned()))
    } else {
        let (maker, model) = pick(rng, if workstation { &names::WORKSTATIONS[..] } else { &names::SERVERS[..] });
        (maker, model, None)
    };
    let (cpu, mut cores, mut threads) =
        pick(rng, if workstation { &names::WORKSTATION_CPUS[..] } else { &names::SERVER_CPUS[..] });
    if virtual_machine {
        cores = pick(rng, &[2, 4, 8]);
        threads = cores;
    }
    let memory = pick(rng, if workstation { &[8, 16, 16, 32][..] } else { &[4, 8, 16, 32, 64, 128][..] });
    Hardware {
        manufacturer: Some(manufacturer.to_owned()),
        model: Some(model.to_owned()),
        serial: Some(hex_text(rng, 4).to_uppercase()),
        cpu: Some(cpu.to_owned()),
        cores: Some(cores),
        threads: Some(threads),
        memory_bytes: Some(memory * GIB),
        uuid: None,
        bios_vendor: None,
        bios_version: None,
        bios_date: None,
        virtualization,
    }
}

fn volumes(rng: &mut fastrand::Rng, kind: MachineKind) -> Vec<Volume> {
    let volume = |mount: &str, device: &str, file_system: &str, gib: u64| Volume {
        mount: mount.to_owned(),
        device: Some(device.to_owned()),
        file_system: Some(file_system.to_owned()),
        total_bytes: gib * GIB,
        removable: false,
        encryption: None,
        encryption_method: None,
    };
    let system = pick(rng, &[120, 237, 476, 953]);
    let workstation = kind == MachineKind::WindowsWorkstation;
    if kind == MachineKind::LinuxServer {
        let mut volumes = vec![volume("/", "/dev/sda2", "ext4", system), volume("/boot", "/dev/sda1", "ext4", 1)];
        if rng.bool() {
            volumes.push(volume("/srv", "/dev/sdb1", "xfs", pick(rng, &[500, 1000, 4000])));
        }
        return volumes;
    }
    let mut volumes = vec![Volume {
        encryption: Some(if workstation { VolumeEncryption::Encrypted } else { VolumeEncryption::Unencrypted }),
        encryption_method: workstation.then(|| "BitLocker XTS-AES 128".to_owned()),
        ..volume("C:", "Windows", "NTFS", system)
    }];
    if !workstation {
        volumes.push(volume("D:", "Data", "NTFS", pick(rng, &[500, 1000, 2000, 8000])));
    } else if rng.u32(0..100) < 10 {
        volumes.push(Volume { removable: true, ..volume("E:", "USB", "exFAT", 58) });
    }
    volumes
}

/// One disk for each volume that a drive of its own would hold.
fn disks(rng: &mut fastrand::Rng, kind: MachineKind, hardware: &Hardware, volumes: &[Volume]) -> Vec<Disk> {
    let fixed = volumes.iter().filter(|volume| !volume.removable && volume.total_bytes > 2 * GIB);
    let disk = |(index, volume): (usize, &Volume)| {
        let (dice, serial) = (rng.u32(0..100), hex_text(rng, 6).to_uppercase());
        let (model, bus, flash) = match &hardware.virtualization {
            Some(hypervisor) => (format!("{hypervisor} Virtual Disk"), "scsi", None),
            None => {
                let (model, bus, flash) = pick(rng, &catalog::DISKS);
                (model.to_owned(), bus, Some(flash))
            }
        };
        // A virtual disk says nothing of how it feels.
        let (health, detail) = match (flash, dice) {
            (None, _) => (DiskHealth::Unknown, Some("a virtual disk does not tell")),
            (_, 0) => (DiskHealth::Failing, Some("SMART: the drive says that it will fail soon")),
            (_, 1..4) => (DiskHealth::Warning, Some("SMART: 12 reallocated sectors")),
            _ => (DiskHealth::Healthy, None),
        };
        Disk {
            name: match kind {
                MachineKind::LinuxServer => {
                    format!("sd{}", char::from(b'a' + u8::try_from(index % 26).unwrap_or_default()))
                }
                _ => format!("PHYSICALDRIVE{index}"),
            },
            model: Some(model),
            serial: Some(serial),
            bus: Some(bus.to_owned()),
            media: match flash {
                Some(true) => DiskMedia::Ssd,
                Some(false) => DiskMedia::Hdd,
                None => DiskMedia::Unknown,
            },
            total_bytes: volume.total_bytes,
            health,
            health_detail: detail.map(str::to_owned),
        }
    };
    fixed.enumerate().map(disk).collect()
}

fn groups(kind: MachineKind, flavour: &Flavour) -> Vec<LocalGroup> {
    let group = |name: &str, id: &str, members: &[&str]| LocalGroup {
        name: name.to_owned(),
        id: Some(id.to_owned()),
        members: members.iter().map(|member| member.replace("DOMAIN", flavour.prefix)).collect(),
    };
    match kind {
        MachineKind::LinuxServer => vec![group("adm", "4", &["syslog"]), group("sudo", "27", &["admin", "deploy"])],
        // A domain controller has no groups of its own.
        MachineKind::DomainController => Vec::new(),
        MachineKind::WindowsWorkstation | MachineKind::WindowsServer => vec![
            group("Administrators", "S-1-5-32-544", &["Administrator", r"DOMAIN\Domain Admins"]),
            group("Remote Desktop Users", "S-1-5-32-555", &[r"DOMAIN\Support"]),
            group("Users", "S-1-5-32-545", &[r"DOMAIN\Domain Users"]),
        ],
    }
}

fn network(rng: &mut fastrand::Rng, kind: MachineKind, flavour: &Flavour) -> Vec<NetworkInterface> {
    let (a, b) = flavour.network;
    let mac = |rng: &mut fastrand::Rng| {
        // 02: locally administered, so that no maker's range is used.
        let tail: Vec<String> = (0..5).map(|_| format!("{:02x}", rng.u8(..))).collect();
        format!("02:{}", tail.join(":"))
    };
    let address = format!("10.{a}.{b}.{}/24", rng.u8(10..250));
    let name = match kind {
        MachineKind::LinuxServer => pick(rng, &["eth0", "ens192", "enp1s0"]),
        _ => "Ethernet",
    };
    let interface = |name: &str, mac, addresses| NetworkInterface {
        name: name.to_owned(),
        mac: Some(mac),
        addresses,
        description: None,
        gateways: Vec::new(),
        dns: Vec::new(),
        dhcp: None,
    };
    let link_local = |rng: &mut fastrand::Rng| format!("fe80::{:x}:{:x}/64", rng.u16(1..), rng.u16(1..));
    let gateway = format!("10.{a}.{b}.1");
    let mut interfaces = vec![NetworkInterface {
        gateways: vec![gateway.clone()],
        dns: vec![format!("10.{a}.{b}.2"), gateway],
        dhcp: Some(kind == MachineKind::WindowsWorkstation),
        ..interface(name, mac(rng), vec![address, link_local(rng)])
    }];
    if kind == MachineKind::WindowsWorkstation && rng.bool() {
        interfaces.push(interface("Wi-Fi", mac(rng), Vec::new()));
    }
    interfaces
}

fn users(rng: &mut fastrand::Rng, kind: MachineKind, flavour: &Flavour, booted_at: DateTime<Utc>) -> Vec<LoggedInUser> {
    let likely = if kind == MachineKind::WindowsWorkstation { 80 } else { 15 };
    if rng.u32(0..100) >= likely {
        return Vec::new();
    }
    let since = booted_at + TimeDelta::minutes(i64::from(rng.u32(3..600)));
    let (a, b) = flavour.network;
    let from = format!("10.{a}.{b}.{}", rng.u8(10..250));
    vec![user(rng, kind, flavour.prefix, from, since)]
}

fn user(rng: &mut fastrand::Rng, kind: MachineKind, prefix: &str, from: String, since: DateTime<Utc>) -> LoggedInUser {
    let person = format!("{}.{}", pick(rng, &names::GIVEN), pick(rng, &names::FAMILY));
    let (name, session, host) = match kind {
        MachineKind::LinuxServer => (person, "pts/0", Some(from)),
        _ => (format!("{prefix}\\{person}"), "console", None),
    };
    LoggedInUser { name, session: Some(session.to_owned()), host, since: Some(since) }
}

/// Somebody who logs in now.
pub fn visitor(machine: &Machine, now: DateTime<Utc>, rng: &mut fastrand::Rng) -> Vec<LoggedInUser> {
    let prefix = machine.prefix();
    let address = machine.network.first().and_then(|interface| interface.addresses.first());
    let from = address.and_then(|address| address.split('/').next()).unwrap_or_default().to_owned();
    vec![user(rng, machine.kind, prefix, from, now)]
}

fn reboot(rng: &mut fastrand::Rng, kind: MachineKind) -> PendingReboot {
    if rng.u32(0..100) < 12 { wants_restart(kind) } else { PendingReboot { pending: Some(false), sources: Vec::new() } }
}

/// An update wants a restart.
pub fn wants_restart(kind: MachineKind) -> PendingReboot {
    let source = if kind == MachineKind::LinuxServer {
        "/run/reboot-required"
    } else {
        r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired"
    };
    PendingReboot { pending: Some(true), sources: vec![source.to_owned()] }
}
