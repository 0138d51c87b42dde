//! Events as words of 64 bits: one is written as which of its words differ from those of the
//! last one of its kind, and these.
//!
//! Loops over words instead of a branch a field: the log is written between orders, where the
//! processor's instruction cache is worth more than a byte here and there.

/// The upper bits of the head say what kind of event follows, the lower ones which words.
pub(super) const KIND_SHIFT: u32 = 62;

/// Takes new words in place of the last ones; a bit for each that differs.
#[inline]
pub(super) fn take<const N: usize>(last: &mut [u64; N], new: &[u64; N]) -> u64 {
    const { assert!(N <= KIND_SHIFT as usize) };
    let mut differ = 0;
    for at in 0..N {
        differ |= u64::from(last[at] != new[at]) << at;
    }
    *last = *new;
    differ
}

/// Writes the words that differ.
#[inline]
pub(super) fn write<const N: usize>(log: &mut Vec<u64>, kind: u64, mut differ: u64, words: &[u64; N]) {
    log.push(kind << KIND_SHIFT | differ);
    while differ != 0 {
        log.push(words[differ.trailing_zeros() as usize % N]);
        differ &= differ - 1;
    }
}

/// Reads what [`write()`] has written behind a head, into `last`; gives where the next head is.
pub(super) fn read<const N: usize>(log: &[u64], head: usize, last: &mut [u64; N]) -> usize {
    let mut differ = log[head] & ((1 << KIND_SHIFT) - 1);
    let mut at = head + 1;
    while differ != 0 {
        last[differ.trailing_zeros() as usize] = log[at];
        at += 1;
        differ &= differ - 1;
    }
    at
}

/// One word after the other, and bits of the first one.
pub(super) struct Pack<'a> {
    words: &'a mut [u64],
    at: usize,
    bits: u32,
}

/// What [`Pack`] has packed.
pub(super) struct Unpack<'a> {
    words: &'a [u64],
    at: usize,
    bits: u32,
}

impl<'a> Pack<'a> {
    /// The first word is for bits.
    #[inline]
    pub(super) const fn new(words: &'a mut [u64]) -> Self {
        Self { words, at: 1, bits: 0 }
    }

    #[inline]
    pub(super) fn word(&mut self, word: u64) {
        self.words[self.at] = word;
        self.at += 1;
    }
    #[inline]
    pub(super) fn signed(&mut self, word: i64) {
        self.word(word.cast_unsigned());
    }
    #[inline]
    pub(super) fn wide(&mut self, wide: i128) {
        self.signed(wide as i64);
        self.signed((wide >> 64) as i64);
    }
    #[inline]
    pub(super) fn words(&mut self, words: &[u64]) {
        self.words[self.at..self.at + words.len()].copy_from_slice(words);
        self.at += words.len();
    }
    /// So many bits of a small number.
    #[inline]
    pub(super) fn bits(&mut self, count: u32, value: u64) {
        debug_assert!(value >> count == 0, "{value} has more than {count} bits");
        self.words[0] |= value << self.bits;
        self.bits += count;
    }
    #[inline]
    pub(super) fn option(&mut self, value: Option<u64>) {
        self.bits(1, value.is_some().into());
        self.word(value.unwrap_or(0));
    }
}

impl<'a> Unpack<'a> {
    pub(super) const fn new(words: &'a [u64]) -> Self {
        Self { words, at: 1, bits: 0 }
    }

    pub(super) fn word(&mut self) -> u64 {
        self.at += 1;
        self.words[self.at - 1]
    }
    pub(super) fn signed(&mut self) -> i64 {
        self.word().cast_signed()
    }
    pub(super) fn wide(&mut self) -> i128 {
        let low = self.word();
        i128::from(self.signed()) << 64 | i128::from(low)
    }
    pub(super) fn words(&mut self, count: usize) -> &'a [u64] {
        self.at += count;
        &self.words[self.at - count..self.at]
    }
    pub(super) fn bits(&mut self, count: u32) -> usize {
        let value = self.words[0] >> self.bits & ((1 << count) - 1);
        self.bits += count;
        value as usize
    }
    pub(super) fn flag(&mut self) -> bool {
        self.bits(1) == 1
    }
    pub(super) fn option(&mut self) -> Option<u64> {
        let is_some = self.flag();
        Some(self.word()).filter(|_| is_some)
    }
}
