//! The sections of the inventory: how each is looked at, and what is told of one that does not answer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use gururmm_protocol::inventory::Section;
use tokio::sync::oneshot::error::RecvError;
use tokio::time::timeout;

use super::aside::aside;
use crate::core::inventory::{Finding, Look, Looked};
use crate::platform;

/// What looking at a section gives; none where this kind of system has nothing of the kind.
type Answer = anyhow::Result<Option<Looked<Section>>>;

/// One section of the inventory.
#[derive(Clone)]
pub(super) struct Collector {
    section: &'static str,
    look: Arc<dyn Fn() -> Answer + Send + Sync>,
}

impl Collector {
    fn always<T: 'static>(section: &'static str, look: fn() -> Look<T>, wrap: fn(T) -> Section) -> Self {
        Self { section, look: Arc::new(move || Ok(Some(look()?.map(wrap)))) }
    }

    fn perhaps<T: 'static>(
        section: &'static str,
        look: fn() -> anyhow::Result<Option<Looked<T>>>,
        wrap: fn(T) -> Section,
    ) -> Self {
        Self { section, look: Arc::new(move || Ok(look()?.map(|looked| looked.map(wrap)))) }
    }
}

/// Who is logged in: it changes more often than the rest.
pub(super) fn users() -> Collector {
    Collector::always("users", platform::logged_in_users, Section::Users)
}

/// All other sections, what a technician looks at first before what takes long.
pub(super) fn others() -> Vec<Collector> {
    vec![
        Collector::always("os", platform::os_identity, Section::Os),
        Collector::always("hardware", platform::hardware, Section::Hardware),
        Collector::always("network", platform::network, Section::Network),
        Collector::always("volumes", platform::volumes, Section::Volumes),
        Collector::always("reboot", platform::pending_reboot, Section::Reboot),
        Collector::perhaps("groups", platform::local_groups, Section::Groups),
        Collector::always("services", platform::services, Section::Services),
        Collector::always("disks", platform::disks, Section::Disks),
        Collector::always("software", platform::software, Section::Software),
        Collector::perhaps("hot_fixes", platform::hot_fixes, Section::HotFixes),
    ]
}

/// Collectors, each looking on a thread of its own, one after the other: so only one of them takes memory at a time.
pub(super) struct Watch {
    collectors: Vec<Collector>,
    deadline: Duration,
    /// Those that have not answered in time. They are not started again before they return.
    hanging: FuturesUnordered<BoxFuture<'static, (&'static str, Result<Answer, RecvError>)>>,
    hanging_names: Vec<&'static str>,
}

impl Watch {
    pub fn new(collectors: Vec<Collector>, deadline: Duration) -> Self {
        Self { collectors, deadline, hanging: FuturesUnordered::new(), hanging_names: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.collectors.len()
    }

    /// Looks at one section. None when the system has no such thing, or when an earlier look still hangs, of which has
    /// been told.
    pub async fn look(&mut self, index: usize) -> Option<Finding> {
        let Collector { section, look } = self.collectors.get(index)?.clone();
        if self.hanging_names.contains(&section) {
            return None;
        }
        let mut answer = match aside(section, move || look()) {
            Ok(answer) => answer,
            Err(error) => return Some(unread(section, format!("no thread could be started: {error}"))),
        };
        if let Ok(answer) = timeout(self.deadline, &mut answer).await {
            return finding(section, answer);
        }
        tracing::warn!(section, "a section of the inventory is not answered in time");
        self.hanging_names.push(section);
        self.hanging.push(answer.map(move |answer| (section, answer)).boxed());
        Some(unread(section, format!("did not answer within {} s", self.deadline.as_secs())))
    }

    /// Waits until one that hung returns; for ever when none hangs.
    pub async fn late(&mut self) -> Option<Finding> {
        let Some((section, answer)) = self.hanging.next().await else { return std::future::pending().await };
        self.hanging_names.retain(|name| *name != section);
        finding(section, answer)
    }
}

fn unread(section: &'static str, error: String) -> Finding {
    Finding { section, outcome: Err(error) }
}

fn finding(section: &'static str, answer: Result<Answer, RecvError>) -> Option<Finding> {
    let outcome = match answer {
        Ok(Ok(looked)) => Ok(looked?),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(_) => Err("looking at it failed; this is a fault of the agent, whose log says more".to_owned()),
    };
    Some(Finding { section, outcome })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use gururmm_protocol::inventory::PendingReboot;

    use super::*;

    fn collector(section: &'static str, look: impl Fn() -> Answer + Send + Sync + 'static) -> Collector {
        Collector { section, look: Arc::new(look) }
    }

    fn reboot() -> Section {
        Section::Reboot(PendingReboot { pending: Some(true), sources: vec![] })
    }

    fn error_of(finding: Option<Finding>) -> String {
        finding.unwrap().outcome.unwrap_err()
    }

    #[tokio::test]
    async fn what_is_read_what_is_not_there_and_what_fails_are_told_apart() {
        let looked = Looked { content: reboot(), problems: vec!["one of two".into()] };
        let answer = looked.clone();
        let collectors = vec![
            collector("reboot", move || Ok(Some(answer.clone()))),
            collector("hot_fixes", || Ok(None)),
            collector("software", || Err(anyhow::anyhow!("locked").context("dpkg's database"))),
            collector("disks", || panic!("for a test")),
            collector("groups", || Ok(Some(Section::Groups(vec![]).into()))),
        ];
        let mut watch = Watch::new(collectors, Duration::from_secs(60));
        assert_eq!(watch.look(0).await, Some(Finding { section: "reboot", outcome: Ok(looked) }));
        assert_eq!(watch.look(1).await, None);
        assert_eq!(error_of(watch.look(2).await), "dpkg's database: locked");
        assert!(error_of(watch.look(3).await).contains("fault of the agent"));
        assert_eq!(watch.look(4).await, Some(Section::Groups(vec![]).into()), "the others go on");
    }

    // Time stands still but for what the test waits for: the deadline passes at once, and nothing else does.
    #[tokio::test(start_paused = true)]
    async fn one_that_hangs_is_told_once_not_started_again_and_heard_when_it_returns() {
        let (release, released) = mpsc::channel::<()>();
        let (released, started) = (Mutex::new(released), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&started);
        let hangs = collector("reboot", move || {
            count.fetch_add(1, Ordering::SeqCst);
            released.lock().unwrap().recv()?;
            Ok(Some(reboot().into()))
        });
        let mut watch = Watch::new(vec![hangs], Duration::from_secs(60));
        assert_eq!(error_of(watch.look(0).await), "did not answer within 60 s");
        assert_eq!(watch.look(0).await, None);
        release.send(()).unwrap();
        assert_eq!(watch.late().await, Some(reboot().into()));
        assert_eq!(started.load(Ordering::SeqCst), 1);
        release.send(()).unwrap();
        tokio::time::resume();
        assert_eq!(watch.look(0).await, Some(reboot().into()), "it may be started again");
    }

    #[test]
    fn every_section_has_one_collector_with_its_name() {
        let mut names: Vec<_> = others().iter().chain([&users()]).map(|collector| collector.section).collect();
        names.sort_unstable();
        let mut expected = gururmm_protocol::inventory::SECTION_NAMES;
        expected.sort_unstable();
        assert_eq!(names, expected);
        for collector in others() {
            if let Ok(Some(looked)) = (collector.look)() {
                assert_eq!(looked.content.name(), collector.section);
            }
        }
    }
}
