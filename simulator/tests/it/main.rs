//! The simulator against a small scripted server in the same process.

mod scripted_server;
mod seeds;
mod stepped;
