//! Which Windows it is and what it is for.

use chrono::{DateTime, Utc};
use gururmm_protocol::inventory::MachineRole;

use super::filetime;

/// The first build of Windows 11. Its registry still calls it Windows 10.
const WINDOWS_11: u32 = 22_000;
/// `EditionID` of Windows Enterprise multi-session: a desktop for several people, which counts itself a server.
const MULTI_SESSION: &str = "ServerRdsh";

/// Values under `HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion`. The registry is asked rather than the version
/// functions, because those answer by the manifest of the program that asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CurrentVersion {
    /// `ProductName`.
    pub product_name: Option<String>,
    /// `EditionID`, for example `Professional`.
    pub edition_id: Option<String>,
    /// `InstallationType`: `Client`, `Server`, `Server Core`, `Nano Server`.
    pub installation_type: Option<String>,
    /// `DisplayVersion`, for example `22H2`; since version 20H2.
    pub display_version: Option<String>,
    /// `ReleaseId`, for example `1809`; stays at `2009` since then.
    pub release_id: Option<String>,
    /// `CurrentMajorVersionNumber`.
    pub major: Option<u32>,
    /// `CurrentMinorVersionNumber`.
    pub minor: Option<u32>,
    /// `CurrentBuildNumber`.
    pub build: Option<String>,
    /// `UBR`, the revision within the build: it grows with each monthly update.
    pub revision: Option<u32>,
    /// `InstallTime`, a `FILETIME`.
    pub install_time: Option<u64>,
    /// `InstallDate`, seconds since 1970.
    pub install_date: Option<u32>,
}

impl CurrentVersion {
    fn build_number(&self) -> Option<u32> {
        self.build.as_ref()?.trim().parse().ok()
    }

    /// Full name, for example `Windows Server 2022 Standard` or `Windows 11 Pro`.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.product_name.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or("Windows");
        let client = self.installation_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("client"));
        // The maker stands before it in some editions only.
        let name = name.strip_prefix("Microsoft ").unwrap_or(name);
        match name.strip_prefix("Windows 10") {
            Some(rest) if client && self.build_number() >= Some(WINDOWS_11) => format!("Windows 11{rest}"),
            _ => name.to_owned(),
        }
    }

    /// Edition, for example `Professional` or `ServerStandard (Server Core)`.
    #[must_use]
    pub fn edition(&self) -> Option<String> {
        let edition = self.edition_id.clone()?;
        match self.installation_type.as_deref() {
            Some(kind @ ("Server Core" | "Nano Server")) => Some(format!("{edition} ({kind})")),
            _ => Some(edition),
        }
    }

    /// Version, for example `10.0.20348`.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        Some(format!("{}.{}.{}", self.major?, self.minor?, self.build_number()?))
    }

    /// Build with revision, for example `20348.2113`.
    #[must_use]
    pub fn full_build(&self) -> Option<String> {
        let build = self.build_number()?;
        Some(self.revision.map_or_else(|| build.to_string(), |revision| format!("{build}.{revision}")))
    }

    /// The maker's name of the release, for example `22H2` or, before there were such names, `1809`.
    #[must_use]
    pub fn release(&self) -> Option<String> {
        self.display_version.clone().or_else(|| self.release_id.clone()).filter(|release| !release.trim().is_empty())
    }

    /// When this version was installed: an upgrade to the next one counts as an installation.
    #[must_use]
    pub fn installed_at(&self) -> Option<DateTime<Utc>> {
        let exact = self.install_time.and_then(|time| i64::try_from(time).ok()).and_then(filetime::instant);
        let seconds = self.install_date.filter(|seconds| *seconds > 0);
        exact.or_else(|| DateTime::from_timestamp(i64::from(seconds?), 0))
    }

    /// What the machine is for, by [`Membership::role`] or else by the registry's `ProductType`
    /// (`HKLM\SYSTEM\CurrentControlSet\Control\ProductOptions`).
    #[must_use]
    pub fn role(&self, membership: Option<&Membership>, product_type: Option<&str>) -> MachineRole {
        let role = membership.map_or(MachineRole::Unknown, |membership| membership.machine_role());
        match (role, product_type) {
            (MachineRole::Server, _) | (MachineRole::Unknown, Some("ServerNT"))
                if self.edition_id.as_deref() == Some(MULTI_SESSION) =>
            {
                MachineRole::Workstation
            }
            (MachineRole::Unknown, Some("WinNT")) => MachineRole::Workstation,
            (MachineRole::Unknown, Some("ServerNT")) => MachineRole::Server,
            (MachineRole::Unknown, Some("LanmanNT")) => MachineRole::DomainController,
            (role, _) => role,
        }
    }
}

/// What `DsRoleGetPrimaryDomainInformation` says (`DSROLE_PRIMARY_DOMAIN_INFO_BASIC`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// `DSROLE_MACHINE_ROLE`; the same numbers as `DomainRole` of `Win32_ComputerSystem`.
    pub role: u32,
    /// The domain's or, outside of domains, the workgroup's NetBIOS name.
    pub flat_name: Option<String>,
    /// The domain's DNS name.
    pub dns_name: Option<String>,
}

impl Membership {
    /// 0 and 1 are workstations, 2 and 3 servers, 4 and 5 domain controllers; 1, 3, 4 and 5 are in a domain.
    fn machine_role(&self) -> MachineRole {
        match self.role {
            0 | 1 => MachineRole::Workstation,
            2 | 3 => MachineRole::Server,
            4 | 5 => MachineRole::DomainController,
            _ => MachineRole::Unknown,
        }
    }

    /// Whether the machine is one of the domain's controllers.
    #[must_use]
    pub fn is_domain_controller(&self) -> bool {
        self.machine_role() == MachineRole::DomainController
    }

    /// The domain; a workgroup is none.
    #[must_use]
    pub fn domain(&self) -> Option<String> {
        let name = self.dns_name.as_ref().or(self.flat_name.as_ref())?.trim_end_matches('.');
        (matches!(self.role, 1 | 3 | 4 | 5) && !name.is_empty()).then(|| name.to_owned())
    }
}

/// The system's own architecture by the names of Rust's targets, from `PROCESSOR_ARCHITECTURE` of the machine's
/// environment: an x64 agent may run emulated on ARM64.
#[must_use]
pub fn architecture(processor_architecture: Option<&str>) -> &'static str {
    match processor_architecture {
        Some("AMD64") => "x86_64",
        Some("ARM64") => "aarch64",
        Some("x86") => "x86",
        _ => std::env::consts::ARCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    /// Values as Windows 11 23H2 and Windows Server 2016 have them.
    fn eleven() -> CurrentVersion {
        CurrentVersion {
            product_name: some("Windows 10 Pro"),
            edition_id: some("Professional"),
            installation_type: some("Client"),
            display_version: some("23H2"),
            release_id: some("2009"),
            major: Some(10),
            minor: Some(0),
            build: some("22631"),
            revision: Some(3007),
            install_time: Some(133_480_224_000_000_000),
            install_date: Some(1_703_548_800),
        }
    }

    fn server_2016() -> CurrentVersion {
        CurrentVersion {
            product_name: some("Windows Server 2016 Standard"),
            edition_id: some("ServerStandard"),
            installation_type: some("Server Core"),
            release_id: some("1607"),
            major: Some(10),
            minor: Some(0),
            build: some("14393"),
            install_date: Some(1_500_000_000),
            ..CurrentVersion::default()
        }
    }

    #[test]
    fn windows_11_is_not_called_10() {
        let os = eleven();
        assert_eq!(os.name(), "Windows 11 Pro");
        assert_eq!(os.edition().as_deref(), Some("Professional"));
        assert_eq!(os.version().as_deref(), Some("10.0.22631"));
        assert_eq!(os.full_build().as_deref(), Some("22631.3007"));
        assert_eq!(os.release().as_deref(), Some("23H2"));
        assert_eq!(os.installed_at().map(|at| at.timestamp()), Some(1_703_548_800));
        let long = CurrentVersion { product_name: some("Microsoft Windows 10 Enterprise"), ..eleven() };
        assert_eq!(long.name(), "Windows 11 Enterprise");
        let ten = CurrentVersion { build: some("19045"), ..eleven() };
        assert_eq!(ten.name(), "Windows 10 Pro");
    }

    #[test]
    fn a_server_core_without_newer_values() {
        let os = server_2016();
        assert_eq!(os.name(), "Windows Server 2016 Standard");
        assert_eq!(os.edition().as_deref(), Some("ServerStandard (Server Core)"));
        assert_eq!(os.full_build().as_deref(), Some("14393"));
        assert_eq!(os.release().as_deref(), Some("1607"));
        assert_eq!(os.installed_at().map(|at| at.timestamp()), Some(1_500_000_000));
    }

    #[test]
    fn an_empty_registry_is_still_windows() {
        let os = CurrentVersion::default();
        assert_eq!(os.name(), "Windows");
        assert_eq!((os.version(), os.full_build(), os.release(), os.installed_at()), (None, None, None, None));
    }

    #[test]
    fn the_role_comes_from_the_directory_or_the_product_type() {
        let os = server_2016();
        let with = |role| Membership { role, flat_name: some("CONTOSO"), dns_name: some("contoso.local.") };
        assert_eq!(os.role(Some(&with(1)), Some("ServerNT")), MachineRole::Workstation);
        assert_eq!(os.role(Some(&with(3)), None), MachineRole::Server);
        assert_eq!(os.role(Some(&with(4)), None), MachineRole::DomainController);
        assert_eq!(os.role(Some(&with(9)), Some("LanmanNT")), MachineRole::DomainController);
        assert_eq!(os.role(None, Some("WinNT")), MachineRole::Workstation);
        assert_eq!(os.role(None, None), MachineRole::Unknown);
        let multi_session = CurrentVersion { edition_id: some(MULTI_SESSION), ..eleven() };
        assert_eq!(multi_session.role(Some(&with(3)), Some("ServerNT")), MachineRole::Workstation);
    }

    #[test]
    fn a_workgroup_is_no_domain() {
        let workgroup = Membership { role: 0, flat_name: some("WORKGROUP"), dns_name: None };
        assert_eq!(workgroup.domain(), None);
        let member = Membership { role: 3, flat_name: some("CONTOSO"), dns_name: some("contoso.local.") };
        assert_eq!(member.domain().as_deref(), Some("contoso.local"));
        assert_eq!(Membership { dns_name: None, ..member }.domain().as_deref(), Some("CONTOSO"));
    }

    #[test]
    fn architectures_have_the_names_of_the_other_systems() {
        assert_eq!(architecture(Some("AMD64")), "x86_64");
        assert_eq!(architecture(Some("ARM64")), "aarch64");
        assert_eq!(architecture(None), std::env::consts::ARCH);
    }
}
