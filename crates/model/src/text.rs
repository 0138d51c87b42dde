//! Short names kept in place: symbols, assets, client order ids.
//!
//! For: copying names around the replay loop without allocation. Not for: free text.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A UTF-8 text of at most `N` bytes.
#[derive(Clone, Copy)]
pub struct Text<const N: usize> {
    len: u8,
    bytes: [u8; N],
}

/// A market's name, such as `BTCUSDT`; may be non-ASCII.
pub type Symbol = Text<32>;
/// An asset's name, such as `BTC`; may be non-ASCII.
pub type Asset = Text<24>;
/// The name that the sender gave to an order: unique among the open ones.
pub type ClientOrderId = Text<36>;

/// A text that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("longer than {max} bytes")]
pub struct TextError {
    /// How many bytes there is room for.
    pub max: usize,
}

impl<const N: usize> Text<N> {
    /// The empty text.
    pub const EMPTY: Self = Self { len: 0, bytes: [0; N] };

    /// Keeps a text if it fits.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let len = u8::try_from(text.len()).ok().filter(|len| usize::from(*len) <= N).ok_or(TextError { max: N })?;
        let mut bytes = [0; N];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { len, bytes })
    }

    /// A short prefix and a number, without allocation. Panics if they do not fit.
    #[must_use]
    pub fn numbered(prefix: &str, number: u64) -> Self {
        let len = prefix.len() + number.checked_ilog10().unwrap_or(0) as usize + 1;
        let mut bytes = [0; N];
        bytes[..prefix.len()].copy_from_slice(prefix.as_bytes());
        let mut rest = number;
        for byte in bytes[prefix.len()..len].iter_mut().rev() {
            *byte = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        Self { len: len as u8, bytes }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = &self.bytes[..usize::from(self.len)];
        std::str::from_utf8(bytes).expect("made from a str and never changed")
    }

    /// How many bytes it has.
    #[inline]
    pub(crate) const fn len(&self) -> u8 {
        self.len
    }

    /// Its bytes, and zeros behind them.
    #[inline]
    pub(crate) const fn padded(&self) -> &[u8; N] {
        &self.bytes
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<const N: usize> PartialEq for Text<N> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.bytes == other.bytes
    }
}
impl<const N: usize> Eq for Text<N> {}
impl<const N: usize> Hash for Text<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
impl<const N: usize> Ord for Text<N> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.bytes, self.len).cmp(&(&other.bytes, other.len))
    }
}
impl<const N: usize> PartialOrd for Text<N> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}
impl<const N: usize> FromStr for Text<N> {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::new(text)
    }
}
impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
impl<const N: usize> Serialize for Text<N> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}
impl<'de, const N: usize> Deserialize<'de> for Text<N> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::new(&text).map_err(|e| de::Error::custom(format!("{text:?}: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_or_refused_whole() {
        assert_eq!(Text::<4>::new("abcd").unwrap().as_str(), "abcd");
        assert_eq!(Text::<4>::new("abcde"), Err(TextError { max: 4 }));
        assert_eq!(Symbol::new("币安人生USDT").unwrap().to_string(), "币安人生USDT");
        assert!(Text::<4>::new("ab").unwrap() < Text::<4>::new("abc").unwrap());
    }
}
