//! Rates, latencies, and who has used the processor.

use std::time::{Duration, Instant};

/// What was measured.
#[derive(Default)]
pub(super) struct Figures {
    times: Vec<Duration>,
    pub(super) bytes: usize,
}

impl Figures {
    pub(super) fn add(&mut self, time: Duration) {
        self.times.push(time);
    }

    /// Measures how long it takes.
    pub(super) async fn time<T>(&mut self, work: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let done = work.await;
        self.add(begun.elapsed());
        done
    }

    pub(super) fn and(mut self, other: Self) -> Self {
        self.times.extend(other.times);
        self.bytes += other.bytes;
        self
    }

    pub(super) fn told(mut self, span: Span) -> String {
        self.times.sort_unstable();
        let at = |permille: usize| self.times[(self.times.len() - 1) * permille / 1_000].as_secs_f64() * 1e3;
        let rate = self.times.len() as f64 / span.lasted.as_secs_f64();
        let size = match self.bytes / self.times.len() {
            0 => String::new(),
            bytes => format!(", {bytes} bytes each"),
        };
        format!(
            "{} in {:.1} s = {rate:.0} a second; p50 {:.3} ms, p99 {:.3} ms, longest {:.3} ms{size}; processors: server {:.2}, client {:.2}",
            self.times.len(),
            span.lasted.as_secs_f64(),
            at(500),
            at(990),
            at(1_000),
            span.server,
            span.client
        )
    }
}

/// A moment, and the processor time that was used until then.
pub(super) struct Sample {
    pub(super) at: Instant,
    server: u32,
    used: [f64; 2],
}

/// What happened since.
pub(super) struct Span {
    lasted: Duration,
    /// Processors that were busy with it, on average.
    server: f64,
    client: f64,
}

impl Sample {
    pub(super) fn take(server: u32) -> Self {
        Self { at: Instant::now(), server, used: [server, std::process::id()].map(processor_seconds) }
    }

    pub(super) fn since(&self) -> Span {
        let now = Self::take(self.server);
        let lasted = now.at - self.at;
        let busy = |which: usize| (now.used[which] - self.used[which]) / lasted.as_secs_f64();
        Span { lasted, server: busy(0), client: busy(1) }
    }
}

/// Where there is no `/proc`, nothing.
fn processor_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // After the name, which may hold anything, in hundredths of a second.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// What a process has in memory.
pub(super) fn megabytes(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let pages: u64 = stat.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4_096 / 1_000_000
}
