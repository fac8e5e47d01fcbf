//! Word lists of the simulated world.

/// What the machines of one organization have in common.
pub struct Flavour {
    /// Start of every host name.
    pub prefix: &'static str,
    /// Active Directory domain.
    pub domain: &'static str,
    /// IANA time zone.
    pub time_zone: &'static str,
    /// Second and third octet of the private network 10.x.y.0/24.
    pub network: (u8, u8),
}

const fn flavour(prefix: &'static str, domain: &'static str, time_zone: &'static str, network: (u8, u8)) -> Flavour {
    Flavour { prefix, domain, time_zone, network }
}

/// Places, each of one organization, in the order of the sites that `scripts/run --demo` makes. Domains end in a name
/// that is reserved for examples (RFC 2606).
pub const FLAVOURS: [Flavour; 12] = [
    flavour("BLW", "bluewater.example", "America/Phoenix", (10, 1)),
    flavour("BLW", "bluewater.example", "America/Phoenix", (10, 2)),
    flavour("CFL", "cedarfinch.example", "America/New_York", (20, 4)),
    flavour("NGL", "northgate.example", "Europe/London", (31, 1)),
    flavour("NGL", "northgate.example", "Europe/London", (31, 2)),
    flavour("NGL", "northgate.example", "Europe/London", (31, 8)),
    flavour("SBS", "stbrigid.example", "Europe/Dublin", (42, 2)),
    flavour("VEG", "vega.example", "Europe/Berlin", (50, 1)),
    flavour("VEG", "vega.example", "Europe/Prague", (50, 2)),
    flavour("VEG", "vega.example", "Europe/Berlin", (50, 16)),
    flavour("SOL", "solano-farms.example", "America/Los_Angeles", (73, 9)),
    flavour("MRN", "marina-hotel.example", "Australia/Sydney", (84, 5)),
];

/// Given names of people who log in.
pub const GIVEN: [&str; 24] = [
    "anna", "ben", "carla", "david", "elena", "frank", "grace", "henry", "irene", "jonas", "karin", "luis", "maria",
    "nils", "olga", "peter", "quinn", "rosa", "stefan", "tara", "umar", "vera", "walter", "yara",
];

/// Family names of people who log in.
pub const FAMILY: [&str; 20] = [
    "adler", "brandt", "castro", "dunn", "ellis", "fischer", "garcia", "hughes", "ivanova", "jensen", "keller",
    "lopez", "moreno", "novak", "okafor", "price", "reyes", "schmidt", "turner", "weber",
];

/// Makers and models of workstations.
pub const WORKSTATIONS: [(&str, &str); 8] = [
    ("Dell Inc.", "OptiPlex 7010"),
    ("Dell Inc.", "Latitude 5540"),
    ("HP", "HP EliteDesk 800 G9 Mini"),
    ("HP", "HP ProBook 450 15.6 inch G10"),
    ("LENOVO", "ThinkCentre M70q Gen 4"),
    ("LENOVO", "ThinkPad T14 Gen 4"),
    ("Microsoft Corporation", "Surface Laptop 5"),
    ("ASUSTeK COMPUTER INC.", "ExpertCenter D500SD"),
];

/// Makers and models of physical servers.
pub const SERVERS: [(&str, &str); 4] = [
    ("Dell Inc.", "PowerEdge R650"),
    ("HPE", "ProLiant DL380 Gen10"),
    ("Lenovo", "ThinkSystem SR630 V2"),
    ("Supermicro", "SYS-620P-TRT"),
];

/// Maker, model and hypervisor of virtual machines.
pub const VIRTUAL: [(&str, &str, &str); 3] = [
    ("VMware, Inc.", "VMware20,1", "vmware"),
    ("Microsoft Corporation", "Virtual Machine", "hyper-v"),
    ("QEMU", "Standard PC (Q35 + ICH9, 2009)", "kvm"),
];

/// Processor, cores and threads of workstations.
pub const WORKSTATION_CPUS: [(&str, u32, u32); 5] = [
    ("12th Gen Intel(R) Core(TM) i5-12500T", 6, 12),
    ("13th Gen Intel(R) Core(TM) i7-1365U", 10, 12),
    ("Intel(R) Core(TM) i5-10500 CPU @ 3.10GHz", 6, 12),
    ("AMD Ryzen 5 PRO 5650U with Radeon Graphics", 6, 12),
    ("AMD Ryzen 7 7730U with Radeon Graphics", 8, 16),
];

/// Processor, cores and threads of servers.
pub const SERVER_CPUS: [(&str, u32, u32); 4] = [
    ("Intel(R) Xeon(R) Silver 4314 CPU @ 2.40GHz", 16, 32),
    ("Intel(R) Xeon(R) Gold 6330 CPU @ 2.00GHz", 28, 56),
    ("AMD EPYC 7313P 16-Core Processor", 16, 32),
    ("Intel(R) Xeon(R) E-2336 CPU @ 2.90GHz", 6, 12),
];

/// Name, edition, version and build of Windows on workstations.
pub const WINDOWS_CLIENTS: [(&str, &str, &str, &str); 4] = [
    ("Microsoft Windows 11 Pro", "Professional", "10.0.26100", "26100.4349"),
    ("Microsoft Windows 11 Pro", "Professional", "10.0.22631", "22631.5472"),
    ("Microsoft Windows 11 Enterprise", "Enterprise", "10.0.26100", "26100.4349"),
    ("Microsoft Windows 10 Pro", "Professional", "10.0.19045", "19045.5965"),
];

/// Name, edition, version and build of Windows on servers.
pub const WINDOWS_SERVERS: [(&str, &str, &str, &str); 5] = [
    ("Microsoft Windows Server 2025 Standard", "ServerStandard", "10.0.26100", "26100.4349"),
    ("Microsoft Windows Server 2022 Standard", "ServerStandard", "10.0.20348", "20348.3807"),
    ("Microsoft Windows Server 2022 Datacenter", "ServerDatacenter", "10.0.20348", "20348.3807"),
    ("Microsoft Windows Server 2019 Standard", "ServerStandard", "10.0.17763", "17763.7434"),
    ("Microsoft Windows Server 2016 Standard", "ServerStandard", "10.0.14393", "14393.8148"),
];

/// Name, edition, version and kernel of Linux servers.
pub const LINUX_SERVERS: [(&str, &str, &str, &str); 5] = [
    ("Debian GNU/Linux 12 (bookworm)", "debian", "12", "6.1.0-37-amd64"),
    ("Debian GNU/Linux 13 (trixie)", "debian", "13", "6.12.41+deb13-amd64"),
    ("Ubuntu 24.04.2 LTS", "ubuntu", "24.04", "6.8.0-62-generic"),
    ("Ubuntu 22.04.5 LTS", "ubuntu", "22.04", "5.15.0-142-generic"),
    ("Rocky Linux 9.6 (Blue Onyx)", "rocky", "9.6", "5.14.0-570.23.1.el9_6.x86_64"),
];

/// What servers are named after.
pub const SERVER_PURPOSES: [&str; 8] = ["FS", "SQL", "APP", "RDS", "HV", "BKP", "WEB", "PRN"];
