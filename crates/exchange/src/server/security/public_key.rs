//! Public keys as they are uploaded: PEM around a `SubjectPublicKeyInfo`.
//!
//! For: the two kinds that the exchange takes, RSA of 2,048 or 4,096 bits and Ed25519. Not for:
//! any other DER.

use tokio_rustls::rustls::pki_types::SubjectPublicKeyInfoDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::key::Proof;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
/// `AlgorithmIdentifier` of `rsaEncryption`, with its NULL.
const RSA: [u8; 13] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// `AlgorithmIdentifier` of Ed25519.
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];

/// Reads a key; `None` if it is neither of the two.
pub(super) fn proof(pem: &str) -> Option<Proof> {
    let whole = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (info, []) = element(SEQUENCE, &whole)? else { return None };
    let (algorithm, rest) = element(SEQUENCE, info)?;
    // The first byte of a bit string says how many bits of its last one do not count.
    let ([0, key @ ..], []) = element(BIT_STRING, rest)? else { return None };
    if algorithm == ED25519 && key.len() == 32 {
        return Some(Proof::Ed25519(key.to_vec()));
    }
    let (numbers, []) = element(SEQUENCE, key)? else { return None };
    let (modulus, _) = element(INTEGER, numbers)?;
    let bytes = modulus.iter().skip_while(|byte| **byte == 0).count();
    (algorithm == RSA && matches!(bytes, 256 | 512)).then(|| Proof::Rsa(key.to_vec()))
}

/// The content of the element at the beginning, and what comes after it.
fn element(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => (usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])), &rest[2..]),
        _ => return None,
    };
    (*found == tag && length <= rest.len()).then(|| rest.split_at(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A public key of the Ed25519 test vectors in RFC 8410.
    const DOCUMENTED: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----";

    #[test]
    fn keys_of_other_kinds_or_sizes_are_none() {
        assert!(matches!(proof(DOCUMENTED), Some(Proof::Ed25519(key)) if key[..3] == [0x19, 0xbf, 0x44]));
        for wrong in [
            "",
            "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=",
            // X25519, and one byte short.
            &DOCUMENTED.replace("K2VwAy", "K2VuAy"),
            &DOCUMENTED.replace("ZuE=", "Zg=="),
            &DOCUMENTED.replace("PUBLIC", "PRIVATE"),
        ] {
            assert!(proof(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn der_that_is_cut_short_is_none() {
        assert_eq!(element(SEQUENCE, &[0x30, 2, 1, 2, 3]), Some((&[1, 2][..], &[3][..])));
        for cut in [&[][..], &[0x30], &[0x30, 2, 1], &[0x30, 0x81], &[0x30, 0x82, 1], &[0x30, 0x82, 1, 0], &[0x31, 0]] {
            assert_eq!(element(SEQUENCE, cut), None, "{cut:?}");
        }
    }
}
