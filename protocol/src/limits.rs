//! Bounds that both sides keep. The server enforces every one of them: what an agent says is hostile until checked.

use std::time::Duration;

/// Largest WebSocket message before the handshake is over, in bytes.
pub const MAX_HANDSHAKE_MESSAGE: usize = 8 * 1024;
/// Largest WebSocket message of an established session, in bytes.
pub const MAX_MESSAGE: usize = 256 * 1024;
/// How long either side waits for the handshake to finish.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the server pings a session.
pub const PING_INTERVAL: Duration = Duration::from_secs(30);
/// A session without any frame for this long is dead, on both sides. Below the 90 s in which a cut cable must show.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(75);
/// Reports an agent may have under way without an acknowledgement.
pub const MAX_UNACKED_REPORTS: usize = 64;

/// Longest shell script of a command, in bytes.
pub const MAX_SCRIPT: usize = 64 * 1024;
/// Most arguments of a command without a shell.
pub const MAX_ARGS: usize = 256;
/// Most environment variables (plain and secret, each) of a command.
pub const MAX_ENV: usize = 64;
/// Longest argument, or environment value, in bytes.
pub const MAX_ARG: usize = 8 * 1024;
/// Shortest command timeout in seconds.
pub const MIN_COMMAND_TIMEOUT: u32 = 1;
/// Longest command timeout in seconds (one day).
pub const MAX_COMMAND_TIMEOUT: u32 = 86_400;
/// Largest output that may be kept of one command, in bytes over both streams.
pub const MAX_OUTPUT: u32 = 8 * 1024 * 1024;
/// Largest text of one output chunk, in bytes of UTF-8.
pub const MAX_OUTPUT_CHUNK: usize = 16 * 1024;
/// Longest validity of a queued command, in seconds (30 days).
pub const MAX_COMMAND_EXPIRY: i64 = 30 * 86_400;

/// Longest short string from an agent (names, versions, ids), in characters.
pub const MAX_NAME: usize = 255;
/// Longest descriptive string from an agent (paths, error texts), in characters.
pub const MAX_TEXT: usize = 1_024;
/// Most items in a list of an inventory section.
pub const MAX_ITEMS: usize = 512;
/// Most items in the lists of services, software and updates.
pub const MAX_LONG_LIST: usize = 5_000;
/// Largest inventory section as JSON, in bytes.
pub const MAX_SECTION: usize = 1024 * 1024;
/// Largest inventory section that travels as it is; a larger one is packed.
pub const MAX_PLAIN_SECTION: usize = 4 * 1024;
/// Largest packed section in base64, in bytes: with its frame it fits into a message.
pub const MAX_PACKED: usize = 192 * 1024;
/// Most problems told of one section.
pub const MAX_PROBLEMS: usize = 32;
/// Most readings in one report.
pub const MAX_READINGS: usize = 64;
