//! Simulated agents over the real protocol: nothing is mocked on the server's side of the wire.
//!
//! **Stepped**, for tests: every message is sent and awaited by the caller.
//!
//! ```no_run
//! use gururmm_sim::{Script, SimAgent};
//!
//! # async fn demo(token: &str) -> Result<(), gururmm_sim::SimError> {
//! let mut agent = SimAgent::from_seed(7); // same seed: same key, machine and inventory
//! agent.enroll("http://127.0.0.1:3001", token).await?;
//! let mut session = agent.connect().await?; // challenge, hello, welcome: verified
//! session.report_inventory(&agent).await?; // sent and acknowledged
//! let command = session.expect_command().await?; // verified envelope
//! session.run_script(command.id(), &Script::succeeds("hello\n")).await?; // started, output, finished
//! session.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! Every wait is bounded ([`DEFAULT_WAIT`] unless set with [`Session::set_wait`]). Waiting for one kind of message keeps
//! the others in order for later calls. A session that is merely not polled answers no pings: that is a cut cable.
//! Dropping a session closes the socket without a close frame: that is a killed agent.
//!
//! **Automatic**, for load and demonstrations: [`fleet::Fleet`] runs thousands of well-behaved agents in one process.
//!
//! Keys and nonces here come from `fastrand`: they protect nothing but a simulation.

pub mod agent;
pub mod auto;
pub mod error;
pub mod fleet;
pub mod link;
pub mod machine;
pub mod script;
pub mod session;

mod random;

pub use agent::{Enrollment, HelloOverrides, SimAgent, http_client};
pub use error::SimError;
pub use link::Link;
pub use machine::{Machine, MachineKind};
pub use script::Script;
pub use session::{Command, Session};

/// How long a stepped call waits for the server before it fails.
pub const DEFAULT_WAIT: std::time::Duration = std::time::Duration::from_secs(10);
