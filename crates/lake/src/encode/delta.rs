//! DELTA_BINARY_PACKED: differences between neighbours, packed into as few bits as the largest
//! of 64 needs; written, and read back.

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

/// No page of so many numbers that [`encode`] writes is larger, nor one with smaller blocks.
pub(crate) fn size_at_most(values: usize) -> usize {
    64 + values.next_multiple_of(BLOCK) * 16
}

/// Reads a page of numbers; `None` if it is none, or not of so many.
pub(crate) fn decode(page: &[u8], values: &mut [i64]) -> Option<()> {
    let mut page = page;
    let block = usize::try_from(read_varint(&mut page)?).ok()?;
    let count = usize::try_from(read_varint(&mut page)?).ok()?;
    let total = usize::try_from(read_varint(&mut page)?).ok()?;
    let first = read_zigzag(&mut page)?;
    let length = block.checked_div(count)?;
    if total != values.len() || !(1..=MINIBLOCK).contains(&length) {
        return None;
    }
    let Some((value, mut rest)) = values.split_first_mut() else { return Some(()) };
    *value = first;
    let mut before = first;
    while !rest.is_empty() {
        let smallest = read_zigzag(&mut page)?;
        for width in page.split_off(..count)? {
            let (now, later) = rest.split_at_mut(length.min(rest.len()));
            rest = later;
            if !now.is_empty() {
                let width = usize::from(*width);
                let packed = page;
                page.split_off(..length * width / 8)?;
                before = unpack(packed, width, smallest, before, now)?;
            }
        }
    }
    Some(())
}

/// Sums up differences of `width` bits each, and gives the last sum. `packed` goes on behind them
/// as far as the page does.
fn unpack(packed: &[u8], width: usize, smallest: i64, before: i64, values: &mut [i64]) -> Option<i64> {
    if width > 64 {
        return None;
    }
    if width == 0 {
        // Times, and prices that stand still.
        let mut value = before;
        for place in values {
            value = value.wrapping_add(smallest);
            *place = value;
        }
        return Some(value);
    }
    // Sixteen bytes are read at a time, also where the last value begins.
    match packed.first_chunk::<{ MINIBLOCK * 8 + 16 }>() {
        Some(bytes) => Some(sum_up(bytes, width, smallest, before, values)),
        None => {
            let mut bytes = [0_u8; MINIBLOCK * 8 + 16];
            bytes.get_mut(..packed.len())?.copy_from_slice(packed);
            Some(sum_up(&bytes, width, smallest, before, values))
        }
    }
}

#[inline]
fn sum_up(bytes: &[u8; MINIBLOCK * 8 + 16], width: usize, smallest: i64, mut before: i64, values: &mut [i64]) -> i64 {
    let mask = if width < 64 { (1 << width) - 1 } else { u64::MAX };
    let mut bit = 0;
    let mut add = |value: &mut i64, above: u64| {
        before = before.wrapping_add(smallest.wrapping_add((above & mask).cast_signed()));
        *value = before;
    };
    if width <= 56 {
        for value in values {
            let word = bytes[bit / 8..][..8].try_into().expect("eight bytes");
            add(value, u64::from_le_bytes(word) >> (bit % 8));
            bit += width;
        }
    } else {
        for value in values {
            let word = bytes[bit / 8..][..16].try_into().expect("sixteen bytes");
            add(value, (u128::from_le_bytes(word) >> (bit % 8)) as u64);
            bit += width;
        }
    }
    before
}

fn read_varint(page: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *page.split_off_first()?;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn read_zigzag(page: &mut &[u8]) -> Option<i64> {
    let value = read_varint(page)?;
    Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn there_and_back(numbers in proptest::collection::vec(any::<i64>(), 0..700), shift in 0..64_u32, cut in 0..6_000_usize, bend: u8) {
            let numbers: Vec<i64> = numbers.into_iter().map(|number| number >> shift).collect();
            let mut page = Vec::new();
            encode(&numbers, |number| number, &mut page);
            let mut found = vec![0; numbers.len()];
            prop_assert_eq!(decode(&page, &mut found), Some(()));
            prop_assert_eq!(&found, &numbers);
            // Whatever else a page holds is an error or other numbers, and no panic.
            let at = cut % page.len();
            let _ = decode(&page[..at], &mut found);
            page[at] ^= bend;
            let _ = decode(&page, &mut found);
        }
    }
}
