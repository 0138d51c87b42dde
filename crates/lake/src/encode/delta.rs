//! DELTA_BINARY_PACKED: differences between neighbours, packed into as few bits as the largest
//! of 64 needs.

/// Values that share a smallest difference.
const BLOCK: usize = 256;
/// Values that share a width in bits.
const MINIBLOCK: usize = 64;

/// Adds a page of numbers.
pub(super) fn encode<T: Copy>(column: &[T], number: impl Fn(T) -> i64, page: &mut Vec<u8>) {
    let (first, rest) = column.split_first().map_or((0, column), |(first, rest)| (number(*first), rest));
    varint(BLOCK as u64, page);
    varint((BLOCK / MINIBLOCK) as u64, page);
    varint(column.len() as u64, page);
    zigzag(first, page);
    let mut before = first;
    for values in rest.chunks(BLOCK) {
        let mut differences = [0_i64; BLOCK];
        for (difference, value) in differences.iter_mut().zip(values) {
            let value = number(*value);
            *difference = value.wrapping_sub(before);
            before = value;
        }
        block(&differences[..values.len()], page);
    }
}

fn block(differences: &[i64], page: &mut Vec<u8>) {
    let smallest = differences.iter().copied().min().unwrap_or(0);
    // Places behind the last value are zeros; whole miniblocks of them have no bits.
    let mut above = [0_u64; BLOCK];
    for (above, difference) in above.iter_mut().zip(differences) {
        *above = difference.wrapping_sub(smallest).cast_unsigned();
    }
    zigzag(smallest, page);
    let widths = page.len();
    page.resize(widths + BLOCK / MINIBLOCK, 0);
    for (at, values) in above.chunks(MINIBLOCK).enumerate() {
        let width = 64 - values.iter().fold(0, |bits, value| bits | value).leading_zeros();
        page[widths + at] = width as u8;
        if width > 0 {
            pack(values, width, page);
        }
    }
}

/// Values of `width` bits one behind the other, the lowest bit first; 64 of them are whole words.
fn pack(values: &[u64], width: u32, page: &mut Vec<u8>) {
    let mut packed = [0_u8; MINIBLOCK * 8];
    let mut words = packed.chunks_exact_mut(8);
    let (mut word, mut filled) = (0_u64, 0);
    for value in values {
        word |= value << filled;
        filled += width;
        if filled >= 64 {
            if let Some(place) = words.next() {
                place.copy_from_slice(&word.to_le_bytes());
            }
            filled -= 64;
            word = if filled == 0 { 0 } else { value >> (width - filled) };
        }
    }
    page.extend_from_slice(&packed[..width as usize * 8]);
}

fn varint(mut value: u64, page: &mut Vec<u8>) {
    while value >= 0x80 {
        page.push(value as u8 | 0x80);
        value >>= 7;
    }
    page.push(value as u8);
}

fn zigzag(value: i64, page: &mut Vec<u8>) {
    varint((value << 1 ^ value >> 63).cast_unsigned(), page);
}
