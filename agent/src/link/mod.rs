//! The way to the server: enrollment over HTTP, then one WebSocket that is kept open.

pub mod address;
pub mod enroll;
pub mod proxy;
pub mod session;
pub mod socket;
pub mod supervise;
pub mod tls;
