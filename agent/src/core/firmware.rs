//! What the firmware's tables say of a machine, the same on every system.

use chrono::{Datelike as _, NaiveDate};

/// Texts that board makers leave in place of a real one.
#[must_use]
pub fn is_filler(text: &str) -> bool {
    [
        "to be filled by o.e.m.",
        "default string",
        "system manufacturer",
        "system product name",
        "system serial number",
        "not specified",
        "not applicable",
        "none",
        "0",
    ]
    .contains(&text.to_ascii_lowercase().as_str())
}

/// The release date of the firmware: `mm/dd/yyyy`, or `mm/dd/yy` in tables of the last century.
#[must_use]
pub fn date(text: &str) -> Option<NaiveDate> {
    let date = NaiveDate::parse_from_str(text, "%m/%d/%Y").ok()?;
    if date.year() < 100 { date.with_year(date.year() + 1900) } else { Some(date) }
}

/// The hypervisor by the names it puts into the firmware tables of its guests. What the processor says is not asked: with
/// the memory protection that Windows 11 turns on, it says on real machines too that a hypervisor is there.
#[must_use]
pub fn hypervisor(vendor: Option<&str>, product: Option<&str>) -> Option<&'static str> {
    let (vendor, product) = (vendor.unwrap_or_default(), product.unwrap_or_default());
    let by_product = [("KVM", "kvm"), ("OpenStack", "kvm"), ("Google Compute Engine", "google")];
    let by_vendor = [
        ("QEMU", "kvm"),
        ("VMware", "vmware"),
        ("innotek GmbH", "virtualbox"),
        ("Xen", "xen"),
        ("Amazon EC2", "amazon"),
        ("Parallels", "parallels"),
        ("Hetzner", "kvm"),
        ("DigitalOcean", "kvm"),
        ("Red Hat", "kvm"),
        ("Nutanix", "nutanix"),
    ];
    if vendor.starts_with("Microsoft") && product == "Virtual Machine" {
        return Some("hyper-v");
    }
    let find = |table: &[(&str, &'static str)], text: &str| {
        table.iter().find(|(prefix, _)| text.starts_with(prefix)).map(|(_, name)| *name)
    };
    find(&by_product, product).or_else(|| find(&by_vendor, vendor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_told_from_real_machines() {
        assert_eq!(hypervisor(Some("QEMU"), Some("Standard PC (Q35 + ICH9, 2009)")), Some("kvm"));
        assert_eq!(hypervisor(Some("Microsoft Corporation"), Some("Virtual Machine")), Some("hyper-v"));
        assert_eq!(hypervisor(Some("Google"), Some("Google Compute Engine")), Some("google"));
        assert_eq!(hypervisor(Some("Google"), Some("Eve")), None, "a Chromebook");
        assert_eq!(hypervisor(Some("Microsoft Corporation"), Some("Surface Laptop 5")), None);
        assert_eq!(hypervisor(Some("Dell Inc."), Some("PowerEdge R640")), None);
        assert_eq!(hypervisor(None, None), None);
    }

    #[test]
    fn filler_is_no_serial_number() {
        assert!(is_filler("To Be Filled By O.E.M."));
        assert!(!is_filler("7XK2P03"));
    }

    #[test]
    fn dates_of_the_firmware() {
        assert_eq!(date("06/04/2023"), NaiveDate::from_ymd_opt(2023, 6, 4));
        assert_eq!(date("12/01/99"), NaiveDate::from_ymd_opt(1999, 12, 1));
        assert_eq!(date("nonsense"), None);
    }
}
