//! The lines of a journal in memory. There may be millions that say nearly the same, so all but
//! the last ones are compressed: some twenty bytes a request in place of three hundred.
//!
//! For: keeping them in order, and those up to an instant. Not for: what they say.

use std::sync::Arc;

use candlewick_model::Timestamp;
use libdeflater::{CompressionLvl, Compressor, Decompressor};

/// So many lines are compressed at a time.
const BLOCK: usize = 256;

/// A line, with the time at which it was taken up.
type Line = (Timestamp, Box<str>);

/// Lines; their times never go back.
#[derive(Clone, Default)]
pub(crate) struct Lines {
    packed: Vec<Arc<Block>>,
    /// The last ones, up to a block.
    last: Vec<Line>,
}

/// So many lines, compressed.
struct Block {
    /// When the last of them was taken up.
    last: Timestamp,
    length: usize,
    bytes: Box<[u8]>,
}

impl Lines {
    pub(super) fn push(&mut self, taken_up: Timestamp, line: Box<str>) {
        if self.last.len() == BLOCK {
            self.packed.push(Arc::new(Block::of(&self.last)));
            self.last.clear();
        }
        self.last.push((taken_up, line));
    }

    /// The last one was taken up at another time.
    pub(super) fn last_taken_up(&mut self, time: Timestamp) {
        if let Some((taken_up, _)) = self.last.last_mut() {
            *taken_up = time;
        }
    }

    /// How many were taken up until an instant.
    pub(super) fn count_until(&self, to: Timestamp) -> usize {
        let whole = self.packed.partition_point(|block| block.last <= to);
        let count = |lines: &[Line]| lines.partition_point(|(taken_up, _)| *taken_up <= to);
        whole * BLOCK + self.packed.get(whole).map_or_else(|| count(&self.last), |block| count(&block.lines()))
    }

    /// Forgets all but the first ones.
    pub(super) fn truncate(&mut self, stay: usize) {
        let whole = stay / BLOCK;
        if let Some(block) = self.packed.get(whole) {
            self.last = block.lines();
        }
        self.packed.truncate(whole);
        self.last.truncate(stay - self.packed.len() * BLOCK);
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Box<str>> + '_ {
        let packed = self.packed.iter().flat_map(|block| block.lines());
        packed.chain(self.last.iter().cloned()).map(|(_, line)| line)
    }
}

impl Block {
    fn of(lines: &[Line]) -> Self {
        let text: String = lines.iter().map(|(taken_up, line)| format!("{} {line}\n", taken_up.micros())).collect();
        let mut compressor = Compressor::new(CompressionLvl::new(1).unwrap_or_default());
        let mut bytes = vec![0; compressor.deflate_compress_bound(text.len())];
        let length = compressor.deflate_compress(text.as_bytes(), &mut bytes).expect("there is room for it");
        bytes.truncate(length);
        let last = lines.last().map_or(Timestamp::MIN, |(taken_up, _)| *taken_up);
        Self { last, length: text.len(), bytes: bytes.into() }
    }

    fn lines(&self) -> Vec<Line> {
        let mut text = vec![0; self.length];
        Decompressor::new().deflate_decompress(&self.bytes, &mut text).expect("compressed here");
        let text = std::str::from_utf8(&text).expect("a text when it was compressed");
        let line = |text: &str| {
            let (taken_up, line) = text.split_once(' ')?;
            Some((Timestamp::from_micros(taken_up.parse().ok()?), line.into()))
        };
        text.lines().map(|text| line(text).expect("as it was written")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: usize) -> Timestamp {
        Timestamp::from_micros(micros as i64)
    }

    fn text(number: usize) -> String {
        format!(
            r#"{{"t":{number},"account":0,"action":"new","parameters":{{"symbol":"BTCUSDT","quantity":"{number}"}}}}"#
        )
    }

    #[test]
    fn lines_are_kept_in_order_and_cut_anywhere() {
        let mut lines = Lines::default();
        for number in 0..3 * BLOCK + 7 {
            lines.push(at(0), text(number).into());
            // Two at a time.
            lines.last_taken_up(at(number / 2));
        }
        let all = lines.clone();
        for stay in [3 * BLOCK + 7, 3 * BLOCK + 1, 3 * BLOCK, 3 * BLOCK - 1, BLOCK + 1, BLOCK, 5, 0] {
            assert_eq!(all.count_until(at(stay / 2).plus(-1)), stay / 2 * 2, "{stay}");
            lines.truncate(stay);
            assert!(lines.iter().map(String::from).eq((0..stay).map(text)), "{stay}");
        }
        assert_eq!(all.count_until(at(usize::MAX >> 1)), 3 * BLOCK + 7);
        for number in 0..2 * BLOCK {
            lines.push(at(number), text(number).into());
        }
        assert!(lines.iter().map(String::from).eq((0..2 * BLOCK).map(text)), "after all were forgotten");
        let packed: usize = all.packed.iter().map(|block| block.bytes.len()).sum();
        assert!(packed < 3 * BLOCK * text(0).len() / 5, "{packed}");
    }
}
