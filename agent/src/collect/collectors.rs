//! The sections of the inventory: how each is looked at, and what is told of one that does not answer.

use std::collections::BTreeMap;
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
    /// What is cheap to read and changes whenever the section does: without a change nothing is looked at. None: always.
    stamp: fn() -> Option<String>,
}

impl Collector {
    fn always<T: 'static>(section: &'static str, look: fn() -> Look<T>, wrap: fn(T) -> Section) -> Self {
        Self { section, look: Arc::new(move || Ok(Some(look()?.map(wrap)))), stamp: || None }
    }

    fn perhaps<T: 'static>(
        section: &'static str,
        look: fn() -> anyhow::Result<Option<Looked<T>>>,
        wrap: fn(T) -> Section,
    ) -> Self {
        Self { section, look: Arc::new(move || Ok(look()?.map(|looked| looked.map(wrap)))), stamp: || None }
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
        Collector {
            stamp: platform::software_stamp,
            ..Collector::always("software", platform::software, Section::Software)
        },
        Collector::perhaps("hot_fixes", platform::hot_fixes, Section::HotFixes),
    ]
}

/// A look at one section: none when nothing has changed; its stamp and what it gave.
type Sight = Option<(Option<String>, Answer)>;

/// Collectors, each looking on a thread of its own, one after the other: so only one of them takes memory at a time.
pub(super) struct Watch {
    collectors: Vec<Collector>,
    deadline: Duration,
    /// Those that have not answered in time. They are not started again before they return.
    hanging: FuturesUnordered<BoxFuture<'static, (&'static str, Result<Sight, RecvError>)>>,
    hanging_names: Vec<&'static str>,
    /// Stamps of sections that were read whole.
    stamps: BTreeMap<&'static str, String>,
}

impl Watch {
    pub fn new(collectors: Vec<Collector>, deadline: Duration) -> Self {
        Self {
            collectors,
            deadline,
            hanging: FuturesUnordered::new(),
            hanging_names: Vec::new(),
            stamps: BTreeMap::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.collectors.len()
    }

    /// Looks at one section. None when the system has no such thing, when nothing has changed, or when an earlier look
    /// still hangs, of which has been told.
    pub async fn look(&mut self, index: usize) -> Option<Finding> {
        let Collector { section, look, stamp } = self.collectors.get(index)?.clone();
        if self.hanging_names.contains(&section) {
            return None;
        }
        let known = self.stamps.get(section).cloned();
        let mut answer = match aside(section, move || {
            // Read before the section: a change in between is seen the next time.
            let stamp = stamp();
            (stamp.is_none() || stamp != known).then(|| (stamp, look()))
        }) {
            Ok(answer) => answer,
            Err(error) => return Some(unread(section, format!("no thread could be started: {error}"))),
        };
        if let Ok(answer) = timeout(self.deadline, &mut answer).await {
            return self.finding(section, answer);
        }
        tracing::warn!(section, "a section of the inventory is not answered in time");
        self.stamps.remove(section);
        self.hanging_names.push(section);
        self.hanging.push(answer.map(move |answer| (section, answer)).boxed());
        Some(unread(section, format!("did not answer within {} s", self.deadline.as_secs())))
    }

    /// Waits until one that hung returns; for ever when none hangs.
    pub async fn late(&mut self) -> Option<Finding> {
        let Some((section, answer)) = self.hanging.next().await else { return std::future::pending().await };
        self.hanging_names.retain(|name| *name != section);
        self.finding(section, answer)
    }

    fn finding(&mut self, section: &'static str, answer: Result<Sight, RecvError>) -> Option<Finding> {
        let (stamp, answer) = match answer {
            Ok(looked) => looked?,
            Err(_) => {
                self.stamps.remove(section);
                let error = "looking at it failed; this is a fault of the agent, whose log says more";
                return Some(unread(section, error.to_owned()));
            }
        };
        match stamp {
            Some(stamp) if answer.as_ref().is_ok_and(|looked| looked.as_ref().is_some_and(Looked::is_whole)) => {
                self.stamps.insert(section, stamp);
            }
            _ => drop(self.stamps.remove(section)),
        }
        match answer {
            Ok(looked) => Some(Finding { section, outcome: Ok(looked?) }),
            Err(error) => Some(unread(section, format!("{error:#}"))),
        }
    }
}

fn unread(section: &'static str, error: String) -> Finding {
    Finding { section, outcome: Err(error) }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use gururmm_protocol::inventory::PendingReboot;

    use super::*;

    fn collector(section: &'static str, look: impl Fn() -> Answer + Send + Sync + 'static) -> Collector {
        Collector { section, look: Arc::new(look), stamp: || None }
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

    #[tokio::test]
    async fn what_has_not_changed_is_not_looked_at_again() {
        static CHANGES: AtomicUsize = AtomicUsize::new(0);
        let stamp = || Some(CHANGES.load(Ordering::SeqCst).to_string());
        let whole = Collector { stamp, ..collector("groups", || Ok(Some(Section::Groups(vec![]).into()))) };
        let partly = || Looked { content: Section::Groups(vec![]), problems: vec!["one".into()] };
        let partly = Collector { stamp, ..collector("users", move || Ok(Some(partly()))) };
        let mut watch = Watch::new(vec![whole, partly], Duration::from_secs(60));
        assert!(watch.look(0).await.is_some());
        assert!(watch.look(0).await.is_none());
        CHANGES.fetch_add(1, Ordering::SeqCst);
        assert!(watch.look(0).await.is_some());
        assert!(watch.look(1).await.is_some());
        assert!(watch.look(1).await.is_some(), "what was not whole is looked at again");
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
