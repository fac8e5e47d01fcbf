//! Errors of WMI in words.

/// An error code of WMI or COM
/// (<https://learn.microsoft.com/windows/win32/wmisdk/wmi-error-constants>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub u32);

impl Code {
    /// Whether this machine has no such class at all, rather than one that does not answer: a part of Windows that is not
    /// installed.
    #[must_use]
    pub const fn is_absent(self) -> bool {
        matches!(self.0, 0x8004_100E | 0x8004_1010 | 0x8004_1002)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = match self.0 {
            0x8004_1001 => "it failed",
            0x8004_1002 => "not found",
            0x8004_1003 | 0x8007_0005 => "access denied",
            0x8004_1006 => "out of memory",
            0x8004_100A => "its repository is damaged",
            0x8004_100E => "there is no such namespace",
            0x8004_1010 => "there is no such class",
            0x8004_1011 | 0x8004_1013 | 0x8004_1014 => "the part of Windows that knows cannot be loaded",
            0x8004_1033 | 0x8007_045B => "the system is shutting down",
            0x8004_106C => "it has reached a limit of its own",
            0x8004_0154 => "WMI is not installed",
            0x8007_0422 => "its service is disabled",
            0x8007_06BA | 0x8007_06BE | 0x8001_0108 => "its service does not run",
            0x8008_0005 => "its service cannot be started",
            _ => return write!(f, "error {:#010x}", self.0),
        };
        write!(f, "{words} ({:#010x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_words_and_keep_their_number() {
        assert_eq!(Code(0x8004_1003).to_string(), "access denied (0x80041003)");
        assert_eq!(Code(0x8000_FFFF).to_string(), "error 0x8000ffff");
        assert!(Code(0x8004_100E).is_absent() && !Code(0x8007_06BA).is_absent());
    }
}
