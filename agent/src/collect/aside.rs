//! Work on threads that nobody waits for.

use std::io;

use tokio::sync::oneshot;

/// Runs `work` on a thread of its own. A panic closes the channel. The end of the agent does not wait for the thread,
/// unlike for one of the runtime's: what hangs must not keep the agent from stopping.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn aside<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let (done, outcome) = oneshot::channel();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        // Nobody listens any more when the agent ends.
        let _ = done.send(work());
    })?;
    Ok(outcome)
}
