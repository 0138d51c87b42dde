//! Wide decimals as a zstd frame that is written down, not searched for.
//!
//! A plain page of DECIMAL(38,8) is 16 bytes a value, the highest first, of which all but a few
//! are zeros. zstd would look for the zeros, find them one distance of 16 bytes back, time and
//! again, and spend more on it than on everything else of a file. So the frame (RFC 8878) is put
//! together here: the bytes that count, as literals, and a single instruction for all values of
//! a block: so many literals, then so many bytes as stood 16 bytes back. Any zstd reads it.

/// Bytes of a value.
const VALUE: usize = 16;
/// Values of a block; a block may be of 128 KB.
const BLOCK: usize = (128 << 10) / VALUE;
/// Wider values leave too few zeros for an instruction.
const WIDTH_MAX: usize = 13;

/// How many bytes the widest of some values needs, at least one; `None` if there are values
/// that this frame is not for, or none at all.
fn width<T: Copy>(column: &[T], units: &impl Fn(T) -> i128) -> Option<usize> {
    let bits = column.iter().fold(0, |bits, value| bits | units(*value)).cast_unsigned();
    let bytes = (u128::BITS - bits.leading_zeros()).div_ceil(8).max(1) as usize;
    (!column.is_empty() && bytes <= WIDTH_MAX).then_some(bytes)
}

/// Adds the frame of a page, or nothing if its values are too wide or negative.
pub(super) fn compress<T: Copy>(column: &[T], units: impl Fn(T) -> i128, page: &mut Vec<u8>) -> bool {
    match width(column, &units) {
        Some(1) => frame::<1, T>(column, units, page),
        Some(2) => frame::<2, T>(column, units, page),
        Some(3) => frame::<3, T>(column, units, page),
        Some(4) => frame::<4, T>(column, units, page),
        Some(5) => frame::<5, T>(column, units, page),
        Some(6) => frame::<6, T>(column, units, page),
        Some(7) => frame::<7, T>(column, units, page),
        Some(8) => frame::<8, T>(column, units, page),
        Some(9) => frame::<9, T>(column, units, page),
        Some(10) => frame::<10, T>(column, units, page),
        Some(11) => frame::<11, T>(column, units, page),
        Some(12) => frame::<12, T>(column, units, page),
        Some(13) => frame::<13, T>(column, units, page),
        _ => return false,
    }
    true
}

/// Blocks end within a value, between its zeros and the bytes that count: each begins with the
/// latter, and ends with the zeros of the value that the next one goes on with.
fn frame<const WIDTH: usize, T: Copy>(column: &[T], units: impl Fn(T) -> i128, page: &mut Vec<u8>) {
    // A frame of one segment, its size in four bytes.
    page.extend_from_slice(&[0x28, 0xB5, 0x2F, 0xFD, 0xA0]);
    page.extend_from_slice(&((column.len() * VALUE) as u32).to_le_bytes());
    // The zeros of the first value: one byte, repeated.
    block_header(1, VALUE - WIDTH, false, page);
    page.push(0);
    // The first instruction says how far back; all others repeat that.
    let (first, rest) = column.split_at(1);
    block::<WIDTH, T>(first, &units, Distance::Told, rest.is_empty(), page);
    let mut blocks = rest.chunks(BLOCK).peekable();
    while let Some(values) = blocks.next() {
        block::<WIDTH, T>(values, &units, Distance::Repeated, blocks.peek().is_none(), page);
    }
}

#[derive(Clone, Copy)]
enum Distance {
    Told,
    Repeated,
}

fn block<const WIDTH: usize, T: Copy>(
    column: &[T],
    units: &impl Fn(T) -> i128,
    distance: Distance,
    is_last: bool,
    page: &mut Vec<u8>,
) {
    // Behind the last value of a page there are no zeros to copy.
    let count = column.len() - usize::from(is_last);
    if count == 0 {
        block_header(0, WIDTH, is_last, page);
        column.iter().for_each(|value| page.extend_from_slice(&units(*value).to_be_bytes()[VALUE - WIDTH..]));
        return;
    }
    let header = page.len();
    block_header(2, 0, is_last, page);
    // Literals as they are, their number in 20 bits.
    let literals = column.len() * WIDTH;
    page.extend_from_slice(&(((literals << 4) | 0b1100) as u32).to_le_bytes()[..3]);
    let from = page.len();
    page.resize(from + literals, 0);
    for (place, value) in page[from..].chunks_exact_mut(WIDTH).zip(column) {
        place.copy_from_slice(&units(*value).to_be_bytes()[VALUE - WIDTH..]);
    }
    instructions::<WIDTH>(count, distance, page);
    let size = page.len() - header - 3;
    let bytes = (((size << 3) | (2 << 1) | usize::from(is_last)) as u32).to_le_bytes();
    page[header..header + 3].copy_from_slice(&bytes[..3]);
}

/// Type 0 is bytes as they are, 1 one byte repeated, 2 compressed.
fn block_header(kind: usize, size: usize, is_last: bool, page: &mut Vec<u8>) {
    page.extend_from_slice(&(((size << 3) | (kind << 1) | usize::from(is_last)) as u32).to_le_bytes()[..3]);
}

/// `count` times the same: its codes are tables of one entry, which cost no bits.
fn instructions<const WIDTH: usize>(count: usize, distance: Distance, page: &mut Vec<u8>) {
    if count < 128 {
        page.push(count as u8);
    } else {
        page.extend_from_slice(&[(count >> 8) as u8 + 0x80, count as u8]);
    }
    let (literals, zeros) = (WIDTH as u8, (VALUE - WIDTH) as u8 - 3);
    // Codes of distances: 4 is 16 + four more bits − 3, 0 is the one before. What follows the
    // codes ends with a bit that is set.
    let (code, bits) = match distance {
        Distance::Told => (4, 1 << 4 | 3),
        Distance::Repeated => (0, 1),
    };
    page.extend_from_slice(&[0b0101_0100, literals, code, zeros, bits]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(values: &[i128]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_be_bytes()).collect()
    }

    fn there_and_back(values: &[i128]) -> Vec<u8> {
        let mut page = Vec::new();
        assert!(compress(values, |value| value, &mut page));
        zstd::bulk::decompress(&page, values.len() * VALUE).unwrap()
    }

    #[test]
    fn every_width_and_every_length_around_a_block() {
        for width in 1..=WIDTH_MAX {
            let value = |n: i128| ((1 << (width * 8 - 1)) | (n * 977)) & ((1 << (width * 8)) - 1);
            for length in [1, 2, 3, 127, 128, 129, 255, 256, 257, BLOCK, BLOCK + 1, BLOCK + 2, 3 * BLOCK + 128] {
                let values: Vec<i128> = (0..length as i128).map(value).collect();
                assert!(there_and_back(&values) == plain(&values), "{length} values of {width} bytes");
            }
        }
    }

    #[test]
    fn what_it_is_not_for_is_left_alone() {
        assert!(!compress(&[0_i128; 0], |value| value, &mut Vec::new()));
        for value in [-1, 1 << 104, i128::MAX, i128::MIN] {
            let mut page = Vec::new();
            assert!(!compress(&[1, value, 2], |value| value, &mut page) && page.is_empty(), "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_zstd_reads_it(values in proptest::collection::vec(0..1_i128 << 104, 1..400), shift in 0..104_u32) {
            let values: Vec<i128> = values.into_iter().map(|value| value >> shift).collect();
            prop_assert!(there_and_back(&values) == plain(&values));
        }
    }
}
