//! Progress on a terminal: how many targets are done, and what has arrived.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

use candlewick_ingest::{Outcome, Progress, Target};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub(in crate::commands) struct Bars {
    bar: ProgressBar,
    fetched: AtomicU64,
}

impl Bars {
    pub(in crate::commands) fn new() -> Self {
        let bar = ProgressBar::new(0);
        if !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template("{bar:32} {pos}/{len} series, {msg}, {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, fetched: AtomicU64::new(0) }
    }

    pub(in crate::commands) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Tells nobody.
pub(in crate::commands) struct Silent;

impl Progress for Silent {
    fn begin(&self, _: usize) {}
    fn fetched(&self, _: u64) {}
    fn done(&self, _: Target, _: &Outcome) {}
}

impl Progress for Bars {
    fn begin(&self, targets: usize) {
        self.bar.set_length(targets as u64);
        self.bar.set_position(0);
    }

    fn fetched(&self, bytes: u64) {
        let before = self.fetched.fetch_add(bytes, Ordering::Relaxed);
        self.bar.set_message(format!("{:.1} MB fetched", (before + bytes) as f64 / 1e6));
    }

    fn done(&self, _: Target, _: &Outcome) {
        self.bar.inc(1);
    }
}
