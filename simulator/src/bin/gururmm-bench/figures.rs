//! What comes out.

use std::time::Duration;

use serde::Serialize;

/// The result; every time in the unit that its name says.
#[derive(Serialize)]
pub struct Figures {
    /// Cargo profile of the server.
    pub profile: String,
    /// Logical processors; server, Postgres and fleet share them.
    pub processors: usize,
    /// Simulated agents.
    pub agents: u32,
    /// From starting the program on an empty directory (it makes its Postgres cluster and keys) until it is ready.
    pub first_start_seconds: f64,
    /// The same with the data there.
    pub cold_start_seconds: f64,
    /// Enrollments per second, the server's own bound on them included.
    pub enrollments_per_second: f64,
    /// Agents connected at the same time.
    pub connected_agents: u64,
    /// Handshakes per second when all agents come at once.
    pub connects_per_second: f64,
    /// From the last connection until the agent list shows everybody online.
    pub presence_lag_seconds: f64,
    /// The server's resident memory before any agent connected.
    pub rss_before_bytes: u64,
    /// The same with all agents connected, after they reported.
    pub rss_after_bytes: u64,
    /// The difference for each agent.
    pub bytes_per_agent: u64,
    /// From `POST` until `GET` shows the command's end, the agent itself taking no time.
    pub command_round_trip: Percentiles,
    /// One page of 100 agents.
    pub agent_list_page: Percentiles,
    /// What the fleet says in the end.
    pub fleet: gururmm_sim::fleet::Status,
}

/// How a number of measured times is distributed, in milliseconds.
#[derive(Debug, PartialEq, Serialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: usize,
    /// Half were quicker.
    pub p50_ms: f64,
    /// 95 of 100 were quicker.
    pub p95_ms: f64,
    /// 99 of 100 were quicker.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

impl Percentiles {
    /// By the nearest rank; all zero when there are no times.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let rank = |percent: usize| {
            let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(index).map_or(0.0, |time| (time.as_secs_f64() * 1e5).round() / 100.0)
        };
        Self { count: times.len(), p50_ms: rank(50), p95_ms: rank(95), p99_ms: rank(99), max_ms: rank(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values_by_nearest_rank() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let expected = Percentiles { count: 200, p50_ms: 100.0, p95_ms: 190.0, p99_ms: 198.0, max_ms: 200.0 };
        assert_eq!(Percentiles::of(times), expected);
        assert_eq!(Percentiles::of(vec![Duration::from_micros(1_234)]).p50_ms, 1.23);
        assert_eq!(Percentiles::of(Vec::new()).max_ms, 0.0);
    }
}
