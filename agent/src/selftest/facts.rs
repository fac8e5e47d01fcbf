//! What the checks find, before it is judged.

/// The account that a process runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Whether it is root, SYSTEM or an administrator.
    pub privileged: bool,
}

/// Who may look into a directory; the text says how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Privacy {
    /// Nobody but the agent's account and the administrators.
    Private(String),
    /// Others too.
    Open(String),
}

/// Space of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Size in bytes.
    pub total_bytes: u64,
    /// Bytes that are free.
    pub free_bytes: u64,
}
