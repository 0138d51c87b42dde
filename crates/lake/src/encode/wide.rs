//! Wide decimals as a zstd frame that is written down, not searched for.
//!
//! A plain page of DECIMAL(38,8) is 16 bytes a value, the highest first, of which all but a few
//! are zeros. zstd would look for the zeros, find them one distance of 16 bytes back, time and
//! again, and spend more on it than on everything else of a file. So the frame (RFC 8878) is put
//! together here: the bytes that count, as literals, and a single instruction for all values of
//! a block: so many literals, then so many bytes as stood 16 bytes back. Any zstd reads it, and
//! reading it back here is reading the literals.

/// Bytes of a value.
const VALUE: usize = 16;
/// Values of a block; a block may be of 128 KB.
const BLOCK: usize = (128 << 10) / VALUE;
/// How a frame begins: of one segment, its size in four bytes behind this.
const FRAME: [u8; 5] = [0x28, 0xB5, 0x2F, 0xFD, 0xA0];
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

/// Reads the values of such a frame. `None` if it is another one, which is zstd's to read; some
/// values may have been set then.
pub(crate) fn decompress<V>(page: &[u8], values: &mut [V], of: &mut impl FnMut(i128) -> V) -> Option<()> {
    let mut page = page.strip_prefix(&FRAME)?;
    let size = page.split_off(..4)?;
    if u32::from_le_bytes(size.try_into().ok()?) as usize != values.len() * VALUE {
        return None;
    }
    // How many zeros there are before the first value says how wide all of them are.
    let (kind, zeros, false) = read_block_header(&mut page)? else { return None };
    if kind != 1 || page.split_off(..1)? != [0] {
        return None;
    }
    match VALUE.checked_sub(zeros)? {
        1 => blocks::<1, V>(page, values, of),
        2 => blocks::<2, V>(page, values, of),
        3 => blocks::<3, V>(page, values, of),
        4 => blocks::<4, V>(page, values, of),
        5 => blocks::<5, V>(page, values, of),
        6 => blocks::<6, V>(page, values, of),
        7 => blocks::<7, V>(page, values, of),
        8 => blocks::<8, V>(page, values, of),
        9 => blocks::<9, V>(page, values, of),
        10 => blocks::<10, V>(page, values, of),
        11 => blocks::<11, V>(page, values, of),
        12 => blocks::<12, V>(page, values, of),
        13 => blocks::<13, V>(page, values, of),
        _ => None,
    }
}

fn blocks<const WIDTH: usize, V>(mut page: &[u8], mut values: &mut [V], of: &mut impl FnMut(i128) -> V) -> Option<()> {
    let (mut distance, mut expected) = (Distance::Told, Vec::new());
    loop {
        let (kind, size, is_last) = read_block_header(&mut page)?;
        let mut block = page.split_off(..size)?;
        let literals = match kind {
            0 if is_last => block,
            2 => {
                let header = block.split_off(..3)?;
                let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
                let literals = block.split_off(..(header >> 4) as usize)?;
                let count = (literals.len() / WIDTH).checked_sub(usize::from(is_last))?;
                expected.clear();
                instructions::<WIDTH>(count, distance, &mut expected);
                if header & 0b1111 != 0b1100 || block != expected {
                    return None;
                }
                literals
            }
            _ => return None,
        };
        let (literals, []) = literals.as_chunks::<WIDTH>() else { return None };
        let of_block = values.split_off_mut(..literals.len())?;
        for (value, literal) in of_block.iter_mut().zip(literals) {
            let mut units = [0; VALUE];
            units[VALUE - WIDTH..].copy_from_slice(literal);
            *value = of(i128::from_be_bytes(units));
        }
        if is_last {
            return (values.is_empty() && page.is_empty()).then_some(());
        }
        distance = Distance::Repeated;
    }
}

/// The kind of a block, its size, and whether it is the last.
fn read_block_header(page: &mut &[u8]) -> Option<(u32, usize, bool)> {
    let bytes = page.split_off(..3)?;
    let header = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    Some((header >> 1 & 0b11, (header >> 3) as usize, header & 1 == 1))
}

/// Blocks end within a value, between its zeros and the bytes that count: each begins with the
/// latter, and ends with the zeros of the value that the next one goes on with.
fn frame<const WIDTH: usize, T: Copy>(column: &[T], units: impl Fn(T) -> i128, page: &mut Vec<u8>) {
    page.extend_from_slice(&FRAME);
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
        let mut read = vec![0; values.len()];
        assert!(decompress(&page, &mut read, &mut |units| units).is_some() && read == values);
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

    #[test]
    fn frames_of_others_are_left_to_zstd() {
        let values: Vec<i128> = (0..20_000).map(|n| n * 1_000).collect();
        let mut read = vec![0; values.len()];
        let mut read = |page: &[u8]| decompress(page, &mut read, &mut |units| units);
        assert_eq!(read(&zstd::bulk::compress(&plain(&values), 1).unwrap()), None);
        let mut page = Vec::new();
        assert!(compress(&values, |value| value, &mut page) && read(&page).is_some());
        assert_eq!(read(&page[..page.len() - 1]), None);
        assert_eq!(read(&[&page[..], &[0]].concat()), None);
        let mut fewer = Vec::new();
        assert!(compress(&values[1..], |value| value, &mut fewer));
        assert_eq!(read(&fewer), None);
    }

    proptest! {
        #[test]
        fn a_bent_frame_is_read_as_zstd_does_or_not_at_all(
            values in proptest::collection::vec(0..1_i128 << 40, 1..400), at: prop::sample::Index, bend in 1..=255_u8
        ) {
            let mut page = Vec::new();
            prop_assert!(compress(&values, |value| value, &mut page));
            let at = at.index(page.len());
            page[at] ^= bend;
            let mut read = vec![0; values.len()];
            if decompress(&page, &mut read, &mut |units| units).is_some() {
                prop_assert!(zstd::bulk::decompress(&page, values.len() * VALUE).unwrap() == plain(&read));
            }
        }

        #[test]
        fn any_zstd_reads_it(values in proptest::collection::vec(0..1_i128 << 104, 1..400), shift in 0..104_u32) {
            let values: Vec<i128> = values.into_iter().map(|value| value >> shift).collect();
            prop_assert!(there_and_back(&values) == plain(&values));
        }
    }
}
