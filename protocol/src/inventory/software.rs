//! What is installed and what runs: services, programs, updates.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::clean_date;
use crate::limits;
use crate::text::{clean_line, clean_option};

/// A service of Windows, or a service unit of systemd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its key: the service's name, or the unit's without `.service`.
    pub name: String,
    /// What people call it.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Whether it runs.
    pub state: ServiceState,
    /// How it is started.
    pub start: ServiceStart,
    /// The account it runs as.
    #[serde(default)]
    pub account: Option<String>,
}

/// Whether a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// It runs; or did its work, as a systemd unit that stays active without a process.
    Running,
    /// It does not run.
    Stopped,
    /// It is being started.
    Starting,
    /// It is being stopped.
    Stopping,
    /// It is paused.
    Paused,
    /// It ended with an error.
    Failed,
    /// Cannot be told.
    #[serde(other)]
    Unknown,
}

/// How a service is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceStart {
    /// With the system.
    Automatic,
    /// Some minutes after the system.
    AutomaticDelayed,
    /// When something asks for it: by hand, by a trigger, by another unit.
    Manual,
    /// Never.
    Disabled,
    /// Cannot be told.
    #[serde(other)]
    Unknown,
}

/// An installed program or package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Software {
    /// Its name.
    pub name: String,
    /// Version as its maker writes it.
    #[serde(default)]
    pub version: Option<String>,
    /// Its maker, or the package's maintainer.
    #[serde(default)]
    pub publisher: Option<String>,
    /// Where it is registered.
    pub source: SoftwareSource,
    /// Whose it is, when it is installed for one user only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Architecture, for example `x86`, `x64` or `amd64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// When it was installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_on: Option<NaiveDate>,
}

/// Where software is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoftwareSource {
    /// The Windows registry, for all users, in the system's own view.
    Machine,
    /// The Windows registry, for all users, in the 32-bit view.
    Machine32,
    /// The Windows registry, for one user.
    User,
    /// dpkg.
    Dpkg,
    /// RPM.
    Rpm,
    /// Something else.
    #[serde(other)]
    Other,
}

/// An installed update of Windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotFix {
    /// Its number, for example `KB5034439`.
    pub id: String,
    /// What kind of update it is.
    #[serde(default)]
    pub description: Option<String>,
    /// When it was installed.
    #[serde(default)]
    pub installed_on: Option<NaiveDate>,
}

impl Service {
    pub(super) fn bound(&mut self) {
        self.name = clean_line(&self.name, limits::MAX_NAME);
        clean_option(&mut self.display_name, limits::MAX_NAME);
        clean_option(&mut self.account, limits::MAX_NAME);
    }
}

impl Software {
    pub(super) fn bound(&mut self) {
        self.name = clean_line(&self.name, limits::MAX_NAME);
        for text in [&mut self.version, &mut self.publisher, &mut self.user, &mut self.architecture] {
            clean_option(text, limits::MAX_NAME);
        }
        clean_date(&mut self.installed_on);
    }
}

impl HotFix {
    pub(super) fn bound(&mut self) {
        self.id = clean_line(&self.id, limits::MAX_NAME);
        clean_option(&mut self.description, limits::MAX_NAME);
        clean_date(&mut self.installed_on);
    }
}
