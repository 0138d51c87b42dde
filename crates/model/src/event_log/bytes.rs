//! Events as bytes: of each field whether it is what was to be expected, and if not by how much
//! it differs.
//!
//! For: one list of fields that is written and read ([`Fields`]). Not for: what is to be expected
//! (`reports`, `commands`).

use crate::number::{Amount, Price, Quantity};
use crate::text::Text;
use crate::time::Timestamp;

/// More than any event takes.
pub(super) const MOST: usize = 1_024;

/// The upper bits of a head are the event's; the lower ones say which fields are not as expected.
pub(super) const MASK_BITS: u32 = 26;

/// Where the fields of an event go, or come from. What is given is what is expected and, where
/// they are written, what there is; what comes back is what there is.
pub(super) trait Fields {
    fn number(&mut self, expected: u64, value: u64) -> u64;
    fn text<const N: usize>(&mut self, expected: &Text<N>, value: &Text<N>) -> Text<N>;
    /// Whether so many fields need not be looked at, since all that are written are as expected.
    fn skips(&mut self, fields: u32, are_expected: impl FnOnce() -> bool) -> bool;
    /// Another block of fields begins.
    fn next_block(&mut self);

    #[inline(always)]
    fn signed(&mut self, expected: i64, value: i64) -> i64 {
        self.number(expected.cast_unsigned(), value.cast_unsigned()).cast_signed()
    }
    #[inline(always)]
    fn price(&mut self, expected: Price, value: Price) -> Price {
        Price::from_units(self.signed(expected.units(), value.units()))
    }
    #[inline(always)]
    fn quantity(&mut self, expected: Quantity, value: Quantity) -> Quantity {
        Quantity::from_units(self.signed(expected.units(), value.units()))
    }
    #[inline(always)]
    fn time(&mut self, expected: Timestamp, value: Timestamp) -> Timestamp {
        Timestamp::from_micros(self.signed(expected.micros(), value.micros()))
    }
    #[inline(always)]
    fn amount(&mut self, expected: Amount, value: Amount) -> Amount {
        let (expected, value) = (expected.units(), value.units());
        let low = self.number(expected as u64, value as u64);
        let high = self.signed((expected >> 64) as i64, (value >> 64) as i64);
        Amount::from_units(i128::from(high) << 64 | i128::from(low))
    }
    /// A number that may be absent; zero is none, so that it is written plus one.
    #[inline(always)]
    fn option(&mut self, expected: Option<u64>, value: Option<u64>) -> Option<u64> {
        let split = |option: Option<u64>| (u64::from(option.is_some()), option.unwrap_or(0));
        let ((was, expected), (is, value)) = (split(expected), split(value));
        let is = self.number(was, is);
        let number = self.number(expected, value);
        (is == 1).then_some(number)
    }
    #[inline(always)]
    fn name<const N: usize>(&mut self, expected: Option<&Text<N>>, value: Option<&Text<N>>) -> Option<Text<N>> {
        let is = self.number(expected.is_some().into(), value.is_some().into());
        let name = self.text(expected.unwrap_or(&Text::EMPTY), value.unwrap_or(&Text::EMPTY));
        (is == 1).then_some(name)
    }
}

/// Writes an event. A block begins with its mask, which is known at its end.
pub(super) struct Writer<'a> {
    to: &'a mut [u8; MOST],
    block: usize,
    at: usize,
    mask: u32,
    bit: u32,
}

impl<'a> Writer<'a> {
    /// `head` is what is to stand in the upper bits.
    #[inline(always)]
    pub(super) const fn new(to: &'a mut [u8; MOST], head: u32) -> Self {
        Self { to, block: 0, at: 4, mask: head << MASK_BITS, bit: 0 }
    }

    /// How many bytes it took.
    #[inline(always)]
    pub(super) fn end(self) -> usize {
        self.to[self.block..self.block + 4].copy_from_slice(&self.mask.to_le_bytes());
        self.at
    }

    /// A number of at most 56 bits takes a byte for every seven; how many more bytes there are is
    /// how many zeros the first one ends with. Gives the place behind it.
    // Not inlined: there are two dozen of them, and between orders all code is out of the cache.
    #[inline(never)]
    fn put(to: &mut [u8; MOST], at: usize, value: u64) -> usize {
        // A seventh of the bits, rounded up.
        let bytes = ((value | 1).ilog2() * 9 + 73) / 64;
        let (word, behind) = if bytes <= 8 { (value << bytes | 1 << bytes >> 1, 0) } else { (value, 1) };
        to[at] = 0;
        to[at + behind..][..8].copy_from_slice(&word.to_le_bytes());
        at + if bytes <= 8 { bytes as usize } else { 9 }
    }
}

impl Fields for Writer<'_> {
    #[inline(always)]
    fn number(&mut self, expected: u64, value: u64) -> u64 {
        if value != expected {
            self.mask |= 1 << self.bit;
            let by = value.wrapping_sub(expected).cast_signed();
            self.at = Self::put(self.to, self.at, (by << 1 ^ by >> 63).cast_unsigned());
        }
        self.bit += 1;
        value
    }

    #[inline(always)]
    fn text<const N: usize>(&mut self, expected: &Text<N>, value: &Text<N>) -> Text<N> {
        if value != expected {
            self.mask |= 1 << self.bit;
            self.to[self.at] = value.len();
            self.to[self.at + 1..][..N].copy_from_slice(value.padded());
            self.at += 1 + usize::from(value.len());
        }
        self.bit += 1;
        *value
    }

    #[inline(always)]
    fn skips(&mut self, fields: u32, are_expected: impl FnOnce() -> bool) -> bool {
        let skips = are_expected();
        self.bit += if skips { fields } else { 0 };
        skips
    }

    #[inline(always)]
    fn next_block(&mut self) {
        self.to[self.block..self.block + 4].copy_from_slice(&self.mask.to_le_bytes());
        (self.block, self.mask, self.bit) = (self.at, 0, 0);
        self.at += 4;
    }
}

/// Reads what [`Writer`] has written.
pub(super) struct Reader<'a> {
    from: &'a [u8],
    pub(super) at: usize,
    mask: u32,
    bit: u32,
}

impl<'a> Reader<'a> {
    /// The event that begins at a place of the log, and what stands in the upper bits of its head.
    pub(super) fn new(from: &'a [u8], at: usize) -> (Self, u32) {
        let mut reader = Self { from, at, mask: 0, bit: 0 };
        reader.next_block();
        let head = reader.mask >> MASK_BITS;
        (reader, head)
    }

    fn word(&self, at: usize) -> u64 {
        let mut eight = [0; 8];
        let there = &self.from[at..self.from.len().min(at + 8)];
        eight[..there.len()].copy_from_slice(there);
        u64::from_le_bytes(eight)
    }

    fn is_other(&mut self) -> bool {
        self.bit += 1;
        self.mask >> (self.bit - 1) & 1 == 1
    }

    fn take(&mut self) -> u64 {
        let bytes = self.from[self.at].trailing_zeros() + 1;
        if bytes > 8 {
            self.at += 9;
            return self.word(self.at - 8);
        }
        let word = self.word(self.at);
        self.at += bytes as usize;
        // Of eight bytes nothing is left above the value.
        word << (64 - 8 * bytes) >> (64 - 8 * bytes) >> bytes
    }
}

impl Fields for Reader<'_> {
    fn number(&mut self, expected: u64, _: u64) -> u64 {
        if !self.is_other() {
            return expected;
        }
        let by = self.take();
        expected.wrapping_add(by >> 1 ^ (by & 1).wrapping_neg())
    }

    fn text<const N: usize>(&mut self, expected: &Text<N>, _: &Text<N>) -> Text<N> {
        if !self.is_other() {
            return *expected;
        }
        let len = usize::from(self.from[self.at]);
        let bytes = &self.from[self.at + 1..][..len];
        self.at += 1 + len;
        let text = std::str::from_utf8(bytes).expect("written from a text");
        Text::new(text).expect("it fitted before")
    }

    fn skips(&mut self, _: u32, _: impl FnOnce() -> bool) -> bool {
        false
    }

    fn next_block(&mut self) {
        (self.mask, self.bit) = (self.word(self.at) as u32, 0);
        self.at += 4;
    }
}
