//! What the machine is and how it is doing: inventory on a schedule, readings every minute.

mod aside;
mod collectors;
mod sensors;

use std::sync::Arc;
use std::time::Duration;

use gururmm_protocol::readings::Reading;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

use crate::core::clock::Time;
use crate::core::inventory::Finding;
use aside::aside;
use collectors::Watch;
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
    /// A section that is not answered within this time is told as unread.
    pub deadline: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            readings: Duration::from_secs(60),
            users: Duration::from_secs(60),
            inventory: Duration::from_secs(15 * 60),
            deadline: Duration::from_secs(60),
        }
    }
}

/// Something was looked at.
#[derive(Debug)]
pub enum Collected {
    /// A section of the inventory as it is now.
    Finding(Box<Finding>),
    /// A reading.
    Reading {
        /// When, by the steady clock.
        steady: Duration,
        /// What was measured; its time is set later.
        reading: Reading,
    },
}

/// Collects until nobody listens any more. Looking happens beside the thread that serves the connection; what hangs holds
/// up neither that nor the other things that are looked at.
pub async fn run(schedule: Schedule, time: Arc<Time>, found: mpsc::Sender<Collected>) {
    let one = Watch::new(vec![collectors::users()], schedule.deadline);
    let others = Watch::new(collectors::others(), schedule.deadline);
    tokio::join!(
        readings(schedule, &time, &found),
        inventory(one, schedule.users, &found),
        inventory(others, schedule.inventory, &found),
    );
}

fn every(first: Duration, period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + first, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Looks at these sections now and then again and again.
async fn inventory(mut watch: Watch, period: Duration, found: &mpsc::Sender<Collected>) {
    let mut ticks = every(Duration::ZERO, period);
    loop {
        tokio::select! {
            _ = ticks.tick() => for index in 0..watch.len() {
                if let Some(finding) = watch.look(index).await
                    && found.send(Collected::Finding(Box::new(finding))).await.is_err()
                {
                    return;
                }
            },
            late = watch.late() => if let Some(finding) = late
                && found.send(Collected::Finding(Box::new(finding))).await.is_err()
            {
                return;
            },
        }
    }
}

async fn readings(schedule: Schedule, time: &Time, found: &mpsc::Sender<Collected>) {
    while !found.is_closed() {
        if let Err(error) = measure(schedule, time, found).await {
            tracing::error!(error = format!("{error:#}"), "this machine cannot be measured");
        }
        tokio::time::sleep(schedule.readings).await;
    }
}

/// Takes readings until nobody listens any more.
async fn measure(schedule: Schedule, time: &Time, found: &mpsc::Sender<Collected>) -> anyhow::Result<()> {
    let mut sensors = aside("readings", Sensors::new)?.await??;
    let mut ticks = every(schedule.readings.min(FIRST_READING), schedule.readings);
    loop {
        ticks.tick().await;
        let steady = time.steady();
        let mut measured = aside("readings", move || {
            let reading = sensors.reading();
            (sensors, reading)
        })?;
        let answer = match timeout(schedule.deadline, &mut measured).await {
            Ok(answer) => answer,
            Err(_) => {
                tracing::warn!("a reading takes very long; there are none until it returns");
                measured.await
            }
        };
        let reading;
        (sensors, reading) = answer?;
        if found.send(Collected::Reading { steady, reading }).await.is_err() {
            return Ok(());
        }
    }
}
