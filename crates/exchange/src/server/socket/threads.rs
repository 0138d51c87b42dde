//! Threads of their own for connections that only listen.
//!
//! For: however many listen, and whatever they are told, a request waits for its turn on the
//! processor and not for all of them: that the system shares it fairly among threads is what a
//! queue of tasks does not give. Not for: connections that carry requests.

use tokio::runtime::{Builder, Handle, Runtime};

/// Threads that end with this, without anybody waiting for them.
pub(super) struct Threads(Option<Runtime>);

impl Threads {
    /// One for two processors, at least one. Where the system gives none, connections stay where
    /// they are.
    pub(super) fn start() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let mut threads = Builder::new_multi_thread();
        threads.worker_threads((processors / 2).max(1)).thread_name("listeners").enable_time();
        Self(threads.build().inspect_err(|error| tracing::warn!(%error, "no threads for listeners")).ok())
    }

    pub(super) fn handle(&self) -> Option<Handle> {
        self.0.as_ref().map(|threads| threads.handle().clone())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}
