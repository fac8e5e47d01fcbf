//! What the machine is and how it is doing: inventory on a schedule, readings every minute.

mod sensors;

use std::sync::Arc;
use std::time::Duration;

use gururmm_protocol::readings::Reading;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::core::clock::Time;
use crate::core::inventory::Finding;
use sensors::Sensors;

/// The first reading comes this soon: a new machine should not look dead for a minute.
const FIRST_READING: Duration = Duration::from_secs(5);

/// How often what is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Between two readings.
    pub readings: Duration,
    /// Between two looks at who is logged in.
    pub users: Duration,
    /// Between two looks at everything else.
    pub inventory: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            readings: Duration::from_secs(60),
            users: Duration::from_secs(60),
            inventory: Duration::from_secs(15 * 60),
        }
    }
}

/// Something was looked at.
#[derive(Debug)]
pub enum Collected {
    /// Sections of the inventory as they are now.
    Findings(Vec<Finding>),
    /// A reading.
    Reading {
        /// When, by the steady clock.
        steady: Duration,
        /// What was measured; its time is set later.
        reading: Reading,
    },
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
enum Look {
    Everything,
    Users,
    Reading,
}

/// Collects until nobody listens any more. Looking happens beside the thread that serves the connection.
pub async fn run(schedule: Schedule, time: Arc<Time>, found: mpsc::Sender<Collected>) {
    let mut sensors = match tokio::task::spawn_blocking(Sensors::new).await {
        Ok(Ok(sensors)) => sensors,
        Ok(Err(error)) => {
            tracing::error!(%error, "this machine cannot be looked at; there is no inventory");
            return;
        }
        Err(_) => return,
    };
    let every = |first: Duration, period: Duration| {
        let mut ticks = interval_at(Instant::now() + first, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    };
    let mut readings = every(schedule.readings.min(FIRST_READING), schedule.readings);
    let mut users = every(schedule.users, schedule.users);
    let mut inventory = every(schedule.inventory, schedule.inventory);
    let mut look = Look::Everything;
    loop {
        let steady = time.steady();
        let looked = tokio::task::spawn_blocking(move || {
            let collected = match look {
                Look::Everything => Collected::Findings(sensors.everything()),
                Look::Users => Collected::Findings(vec![sensors.users().into()]),
                Look::Reading => Collected::Reading { steady, reading: sensors.reading() },
            };
            (sensors, collected)
        });
        let Ok((returned, collected)) = looked.await else { return };
        sensors = returned;
        if found.send(collected).await.is_err() {
            return;
        }
        look = tokio::select! {
            _ = readings.tick() => Look::Reading,
            _ = users.tick() => Look::Users,
            _ = inventory.tick() => Look::Everything,
        };
    }
}
