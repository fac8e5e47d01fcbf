//! What is installed and what runs in the simulated world: names and versions that technicians know, oldest version first.

/// A program of Windows.
pub struct Program {
    /// Its name in the list of programs.
    pub name: &'static str,
    /// Its maker.
    pub publisher: &'static str,
    /// Versions in use, oldest first.
    pub versions: &'static [&'static str],
    /// Of a hundred workstations, how many have it.
    pub workstations: u32,
    /// Of a hundred servers, how many have it.
    pub servers: u32,
    /// Where it is registered.
    pub view: View,
}

/// Where a program of Windows is registered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// For all users, 64 bits.
    Machine,
    /// For all users, 32 bits.
    Machine32,
    /// For the one who uses the machine.
    User,
}

const fn program(
    name: &'static str,
    publisher: &'static str,
    versions: &'static [&'static str],
    (workstations, servers): (u32, u32),
    view: View,
) -> Program {
    Program { name, publisher, versions, workstations, servers, view }
}

use View::{Machine, Machine32, User};

/// Programs of Windows.
pub const PROGRAMS: [Program; 26] = [
    program("7-Zip 24.09 (x64)", "Igor Pavlov", &["24.09"], (45, 30), Machine),
    program("7-Zip 25.01 (x64)", "Igor Pavlov", &["25.01"], (30, 20), Machine),
    program(
        "Adobe Acrobat (64-bit)",
        "Adobe",
        &["24.005.20320", "25.001.20432", "25.001.20531", "25.001.20566"],
        (60, 0),
        Machine,
    ),
    program("Bitwarden", "Bitwarden Inc.", &["2025.4.1", "2025.5.0", "2025.6.0"], (20, 0), User),
    program("Dell Command | Update", "Dell Inc.", &["5.3.0", "5.4.0", "5.5.0"], (35, 0), Machine),
    program("FileZilla Client 3.69.1", "Tim Kosse", &["3.69.1"], (6, 8), Machine),
    program("Git", "The Git Development Community", &["2.45.1", "2.47.1.2", "2.49.0", "2.50.0"], (10, 12), Machine),
    program(
        "Google Chrome",
        "Google LLC",
        &["131.0.6778.265", "136.0.7103.114", "137.0.7151.69", "137.0.7151.104", "138.0.7204.50"],
        (85, 40),
        Machine,
    ),
    program("Java 8 Update 401 (64-bit)", "Oracle Corporation", &["8.0.4010.10"], (8, 10), Machine),
    program("LibreOffice 24.8.7.2", "The Document Foundation", &["24.8.7.2"], (12, 0), Machine),
    program(
        "Microsoft 365 Apps for business - en-us",
        "Microsoft Corporation",
        &["16.0.18526.20472", "16.0.18730.20186", "16.0.18827.20150"],
        (75, 5),
        Machine,
    ),
    program(
        "Microsoft Edge",
        "Microsoft Corporation",
        &["136.0.3240.92", "137.0.3296.68", "137.0.3296.83"],
        (100, 90),
        Machine32,
    ),
    program(
        "Microsoft ODBC Driver 17 for SQL Server",
        "Microsoft Corporation",
        &["17.10.5.1", "17.10.6.1"],
        (5, 40),
        Machine,
    ),
    program("Microsoft OneDrive", "Microsoft Corporation", &["25.095.0518.0002", "25.105.0601.0002"], (80, 0), User),
    program("Microsoft SQL Server 2019 (64-bit)", "Microsoft Corporation", &["15.0.2000.5"], (0, 14), Machine),
    program(
        "Microsoft Visual C++ 2015-2022 Redistributable (x64)",
        "Microsoft Corporation",
        &["14.38.33135.0", "14.42.34438.0", "14.44.35211.0"],
        (95, 90),
        Machine32,
    ),
    program(
        "Mozilla Firefox (x64 en-US)",
        "Mozilla",
        &["128.11.0", "138.0.4", "139.0.1", "139.0.4"],
        (35, 10),
        Machine,
    ),
    program("Notepad++ (64-bit x64)", "Notepad++ Team", &["8.5.8", "8.6.9", "8.7.9", "8.8.1"], (25, 45), Machine),
    program("PuTTY release 0.83 (64-bit)", "Simon Tatham", &["0.83.0.0"], (8, 20), Machine),
    program("Python 3.12.10 (64-bit)", "Python Software Foundation", &["3.12.10150.0"], (6, 6), User),
    program("TeamViewer", "TeamViewer", &["15.61.4", "15.65.6", "15.66.5"], (15, 5), Machine32),
    program("VLC media player", "VideoLAN", &["3.0.18", "3.0.20", "3.0.21"], (22, 0), Machine),
    program(
        "VMware Tools",
        "VMware, Inc.",
        &["12.3.5.22544099", "12.4.5.23787635", "12.5.2.24697584"],
        (0, 45),
        Machine,
    ),
    program("WinRAR 6.24 (64-bit)", "win.rar GmbH", &["6.24.0"], (10, 6), Machine),
    program("WireGuard", "WireGuard LLC", &["0.5.3"], (9, 4), Machine),
    program("Zoom Workplace (64-bit)", "Zoom Communications, Inc.", &["6.3.11", "6.4.6", "6.4.12"], (40, 0), Machine),
];

/// A package of Linux: name, versions on Debian and Ubuntu, versions on Rocky; and of a hundred machines, how many
/// have it.
pub struct Package {
    /// Its name on Debian and Ubuntu.
    pub name: &'static str,
    /// Its name with rpm.
    pub rpm_name: &'static str,
    /// Versions as dpkg tells them, oldest first.
    pub dpkg: &'static [&'static str],
    /// Versions as rpm tells them, oldest first.
    pub rpm: &'static [&'static str],
    /// Of a hundred machines, how many have it.
    pub chance: u32,
}

const fn package(
    (name, rpm_name): (&'static str, &'static str),
    dpkg: &'static [&'static str],
    rpm: &'static [&'static str],
    chance: u32,
) -> Package {
    Package { name, rpm_name, dpkg, rpm, chance }
}

/// Packages of Linux.
pub const PACKAGES: [Package; 18] = [
    package(("bash", "bash"), &["5.2.15-2+b7", "5.2.15-2+b8"], &["5.1.8-9.el9"], 100),
    package(("ca-certificates", "ca-certificates"), &["20230311+deb12u1"], &["2024.2.69_v8.0.303-91.4.el9_4"], 100),
    package(("chrony", "chrony"), &["4.3-2+deb12u1"], &["4.6.1-1.el9"], 60),
    package(("curl", "curl"), &["7.88.1-10+deb12u8", "7.88.1-10+deb12u12"], &["7.76.1-31.el9"], 95),
    package(
        ("docker-ce", "docker-ce"),
        &["5:27.5.1-1~debian.12~bookworm", "5:28.2.2-1~debian.12~bookworm"],
        &["3:28.2.2-1.el9"],
        30,
    ),
    package(("git", "git"), &["1:2.39.5-0+deb12u1", "1:2.39.5-0+deb12u2"], &["2.47.1-2.el9_6"], 55),
    package(("libc6", "glibc"), &["2.36-9+deb12u9", "2.36-9+deb12u10"], &["2.34-168.el9_6.19"], 100),
    package(("libssl3", "openssl-libs"), &["3.0.15-1~deb12u1", "3.0.16-1~deb12u1"], &["1:3.2.2-6.el9_5.1"], 100),
    package(("mariadb-server", "mariadb-server"), &["1:10.11.11-0+deb12u1"], &["3:10.5.27-1.el9_5"], 20),
    package(("nginx", "nginx"), &["1.22.1-9+deb12u1", "1.22.1-9+deb12u2"], &["2:1.20.1-22.el9_6.2"], 40),
    package(("openssh-server", "openssh-server"), &["1:9.2p1-2+deb12u4", "1:9.2p1-2+deb12u6"], &["8.7p1-45.el9"], 98),
    package(("postfix", "postfix"), &["3.7.11-0+deb12u1"], &["2:3.5.25-1.el9"], 25),
    package(("postgresql-15", "postgresql-server"), &["15.12-0+deb12u2", "15.13-0+deb12u1"], &["13.20-1.el9_5"], 25),
    package(("python3", "python3"), &["3.11.2-1+b1"], &["3.9.21-2.el9"], 100),
    package(("rsync", "rsync"), &["3.2.7-1+deb12u2"], &["3.2.5-3.el9"], 70),
    package(("sudo", "sudo"), &["1.9.13p3-1+deb12u1", "1.9.13p3-1+deb12u2"], &["1.9.5p2-10.el9_6.1"], 95),
    package(("systemd", "systemd"), &["252.36-1~deb12u1", "252.38-1~deb12u1"], &["252-51.el9_6.1"], 100),
    package(("vim", "vim-enhanced"), &["2:9.0.1378-2+deb12u2"], &["2:8.2.2637-22.el9_6"], 65),
];

/// Services of every Windows machine: name, what people call it, whether it starts with the system, its account.
pub const WINDOWS_SERVICES: [(&str, &str, bool, &str); 12] = [
    ("BITS", "Background Intelligent Transfer Service", false, "LocalSystem"),
    ("Dhcp", "DHCP Client", true, r"NT Authority\LocalService"),
    ("Dnscache", "DNS Client", true, r"NT AUTHORITY\NetworkService"),
    ("EventLog", "Windows Event Log", true, r"NT AUTHORITY\LocalService"),
    ("LanmanServer", "Server", true, "LocalSystem"),
    ("LanmanWorkstation", "Workstation", true, r"NT AUTHORITY\NetworkService"),
    ("mpssvc", "Windows Defender Firewall", true, r"NT Authority\LocalService"),
    ("Schedule", "Task Scheduler", true, "LocalSystem"),
    ("Spooler", "Print Spooler", true, "LocalSystem"),
    ("VSS", "Volume Shadow Copy", false, "LocalSystem"),
    ("WinDefend", "Microsoft Defender Antivirus Service", true, "LocalSystem"),
    ("wuauserv", "Windows Update", false, "LocalSystem"),
];

/// Services of a domain controller besides.
pub const DOMAIN_SERVICES: [(&str, &str, bool, &str); 4] = [
    ("DNS", "DNS Server", true, "LocalSystem"),
    ("Kdc", "Kerberos Key Distribution Center", true, "LocalSystem"),
    ("Netlogon", "Netlogon", true, "LocalSystem"),
    ("NTDS", "Active Directory Domain Services", true, "LocalSystem"),
];

/// Services of every Linux machine: unit, what people call it, whether it starts with the system.
pub const LINUX_SERVICES: [(&str, &str, bool); 8] = [
    ("cron", "Regular background program processing daemon", true),
    ("dbus", "D-Bus System Message Bus", true),
    ("getty@tty1", "Getty on tty1", true),
    ("rsyslog", "System Logging Service", true),
    ("ssh", "OpenBSD Secure Shell server", true),
    ("systemd-journald", "Journal Service", true),
    ("systemd-logind", "User Login Management", true),
    ("systemd-timesyncd", "Network Time Synchronization", false),
];

/// Updates of Windows: number and kind, oldest first.
pub const HOT_FIXES: [(&str, &str); 6] = [
    ("KB5049622", "Update"),
    ("KB5051987", "Security Update"),
    ("KB5053598", "Security Update"),
    ("KB5055523", "Security Update"),
    ("KB5058411", "Security Update"),
    ("KB5060842", "Security Update"),
];

/// Models of disks: model, bus, flash or not.
pub const DISKS: [(&str, &str, bool); 6] = [
    ("Samsung SSD 980 PRO 1TB", "nvme", true),
    ("KIOXIA KBG50ZNS512G", "nvme", true),
    ("SK hynix PC801 512GB", "nvme", true),
    ("Crucial MX500 500GB", "sata", true),
    ("ST4000NM000A-2HZ100", "sata", false),
    ("WDC WD2003FYYS-02W0B0", "sata", false),
];
