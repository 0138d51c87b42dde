//! Keys of the three kinds, and all keys of a server.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use candlewick_binance::signing::{Credentials, is_same};
use candlewick_model::Account;
use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Asker, Permission, file};
use crate::ExchangeError;
use crate::server::answer::No;

/// So many accounts can be told apart.
const ACCOUNTS_MAX: usize = 1_000;

/// How a signature is proved.
pub(super) enum Proof {
    /// HMAC-SHA-256 in hex; case does not count.
    Hmac(Credentials),
    /// RSASSA-PKCS1-v1_5 with SHA-256 in base64; the DER of an `RSAPublicKey`.
    Rsa(Vec<u8>),
    /// Ed25519 in base64.
    Ed25519(Vec<u8>),
}

/// A key: its proof, what it may do, from where, and whose it is.
pub struct ApiKey {
    pub(super) name: SecretString,
    pub(super) proof: Proof,
    pub(super) permissions: Vec<Permission>,
    /// Empty: from anywhere.
    pub(super) addresses: Vec<IpAddr>,
    pub(super) account: usize,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

impl ApiKey {
    /// The number of the account that it belongs to.
    #[must_use]
    pub fn account(&self) -> usize {
        self.account
    }

    /// Whether a signature belongs to a payload.
    pub(crate) fn verifies(&self, payload: &str, signature: &str) -> bool {
        let proved = |algorithm: &'static dyn ring::signature::VerificationAlgorithm, key: &[u8]| {
            let Ok(signature) = STANDARD.decode(signature) else { return false };
            UnparsedPublicKey::new(algorithm, key).verify(payload.as_bytes(), &signature).is_ok()
        };
        match &self.proof {
            Proof::Hmac(credentials) => credentials.verifies(payload, signature),
            Proof::Rsa(key) => proved(&RSA_PKCS1_2048_8192_SHA256, key),
            Proof::Ed25519(key) => proved(&ED25519, key),
        }
    }
}

/// All keys that a server accepts, and what accounts hold at the beginning where it is said.
#[derive(Debug, Default)]
pub struct Keys {
    pub(super) keys: Vec<ApiKey>,
    pub(super) accounts: BTreeMap<usize, Account>,
}

impl From<Credentials> for Keys {
    /// One HMAC key of the first account that may do everything from anywhere.
    fn from(credentials: Credentials) -> Self {
        let key = ApiKey {
            name: credentials.expose_api_key().into(),
            proof: Proof::Hmac(credentials),
            permissions: Permission::ALL.into(),
            addresses: Vec::new(),
            account: 0,
        };
        Self { keys: vec![key], accounts: BTreeMap::new() }
    }
}

impl Keys {
    /// Reads a file of keys. What is wrong with it is said without quoting it.
    pub fn read(path: &Path) -> Result<Self, ExchangeError> {
        let wrong = |reason: String| ExchangeError::Keys { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        file::read(&text, folder).map_err(wrong)
    }

    /// These and others; of two with one name the first counts.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.keys.extend(others.keys);
        self.accounts.extend(others.accounts);
        self
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &ApiKey> {
        self.keys.iter()
    }

    /// What every account holds at the beginning: what the file says, else what is usual. There are
    /// as many as the highest number says that occurs.
    pub(crate) fn accounts(&self, usual: &Account) -> Result<Vec<Account>, ExchangeError> {
        let last = self.keys.iter().map(ApiKey::account).chain(self.accounts.keys().copied()).max().unwrap_or(0);
        if last >= ACCOUNTS_MAX {
            return Err(ExchangeError::NoAccount { account: last, accounts: ACCOUNTS_MAX });
        }
        Ok((0..=last).map(|number| self.accounts.get(&number).unwrap_or(usual).clone()).collect())
    }

    /// The key that a request names, if it may do what the request needs from where it came.
    pub(crate) fn admit(&self, asker: Asker<'_>, needed: Permission) -> Result<&ApiKey, No> {
        self.find(asker)?.filter(|key| key.permissions.contains(&needed)).ok_or(REFUSED)
    }

    /// The key that a session is to be logged on with: only Ed25519 keys can.
    pub(crate) fn admit_session(&self, asker: Asker<'_>) -> Result<&ApiKey, No> {
        self.find(asker)?.filter(|key| matches!(key.proof, Proof::Ed25519(_))).ok_or(REFUSED)
    }

    /// The key of a name that may be used from there.
    fn find(&self, asker: Asker<'_>) -> Result<Option<&ApiKey>, No> {
        let name = asker.api_key.unwrap_or_default();
        if !is_well_formed(name) {
            return Err(No::saying(-2014, "API-key format invalid."));
        }
        // All are compared, so that the time tells nothing.
        let found = self
            .keys
            .iter()
            .rev()
            .fold(None, |found, key| if is_same(key.name.expose_secret(), name) { Some(key) } else { found });
        Ok(found.filter(|key| key.addresses.is_empty() || key.addresses.contains(&asker.address)))
    }
}

const REFUSED: No = No::saying(-2015, "Invalid API-key, IP, or permissions for action.");

pub(super) fn is_well_formed(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::request::payload;

    /// The worked examples of rest-api.md. Its HMAC signatures are the documented ones; those of
    /// RSA and Ed25519 cannot be checked (their public keys are not given, and both RSA examples
    /// together belong to no key), so the same payloads were signed by OpenSSL with these keys.
    const PLAIN: &str = "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000";
    const WIDE: &str = "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000";
    const KEYS: &str = r#"
[[key]]
api_key = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
permissions = ["TRADE"]

[[key]]
api_key = "CAvIjXy3F44yW6Pou5k8Dy1swsYDWJZLeoK2r8G4cFDnE9nosRppc2eKc1T8TRTQ"
public_key = """
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqZ3wAhFyuh03BMJMdZvC
sW93BIPXvI6uKPAqOX8NVAiJ3ugv3hTV1POAqDF5324FbMcL7PjPDGpDssKPNjtL
ZxoJ+g4VLFhqLxDOGkYBp8BO3Eekge6dHc4r7FkVdc4pleaI/MXDo0kJrN/CCOVi
dLszT7d1v+TibnYs25PBGLrp+PMPIW/vs16drac9zGaRpQliVI56MwlRD5hItlnr
MKPpk/i7BWckTjqw6+3Y/vq1V0/0a4udOiIfLxFetqKRLS/MREHfNKMG/bJjiG3d
TraNcS4VU+t0uSJv3KLl+TfIqlMXjX8ynygA2ZBBIVcwrmGSWEjlbKgr64Wm62Tx
1wIDAQAB
-----END PUBLIC KEY-----
"""

[[key]]
api_key = "4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO"
ip_addresses = ["10.0.0.1"]
public_key = """
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA1Tkt4cYVufaSW1PsyR60YlGGDxsSEsEsYrKaFxi9gf8=
-----END PUBLIC KEY-----
"""
"#;
    const RSA: [&str; 2] = [
        "I2xDFjX4YjdO/V02mVgGDGfnKTZm0fs0ri2uLO7/lTvnv7+y2Tu+3umdearIsCfuZ/C4kSETH8rOMnENiTJgx2aqL8Qy2/PtKrcjB5tnWqy7+bZWYTFNBnucC0FhjlfdQhwjmwmpSgKyd5TEX+qIFX8onnymUgxZVfDUjFBHpj41WNAfe174+3AHsKHJPTskpSXNfErCySB0CjaJDUIr+zFpmDanL+K5ym2RT9nveDvmzQr0t28bgyK5M9NU/x4527mqyemlD7To87Pek3aUoFCONcInESLUFWRFNCMKMxYPbZwzCrGvDW8D3CDzWDDc6md/LVatJOxtHfA7bmgTPQ==",
        "dnWKezjskjJVVKoDnZzFYvod1ZFFQOvaWxvQZBy/XamqpLdWyoXG5pg7glOxJZ8CWkwiUCeKqPucCnliZ+BktayjfrSgDreCReKf14zG9VL/jgsNUJVkVnItBypXCn1CXA2o1bulwi80TMIF8WdECCAihkuwEbkM23Dnm4Ov+VFHlhjSDFDg6CYdDwYDbJhmrv64uY3WojQsApFEpFLfxUyMuldo1IIK9aK+P8fvf65NQDAfaNRnz1y3MYE+fIKogst7/cHUxkkfAts6j2/mPbLIZRlnk/paw8JkQhlvJCyGtLMk/ZnNiAW/6xiSIy9btP6SniZvIuEcx92LXqKMEg==",
    ];
    const ED25519: [&str; 2] = [
        "VprU6c9IX2joyBnu9UVZ5Gi7SyKBc1D7fmey9A3KQu0F0WuPYhep0mfOvdd/U58vQyrhFDlkw1R1+tHYG904Dg==",
        "TqBkJ0gmv1phG9ZSMvA7lGfxa5plagPjo8/Lykf0Qc/2egbrqEEebkpliLsSyg8UFTXSs6EEAOICM/DzTP1TBg==",
    ];

    fn keys() -> Keys {
        file::read(KEYS, Path::new(".")).unwrap()
    }

    fn bought(symbol: &str) -> String {
        format!(
            "symbol={symbol}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
        )
    }

    #[test]
    fn the_documented_examples_with_each_kind_of_key() {
        let hmac = [
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ];
        let bare = WIDE.replace("%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96", "１２３４５６");
        let Keys { keys, .. } = keys();
        for (key, payloads, signatures) in [
            (&keys[0], [bought("LTCBTC"), bought("１２３４５６")], hmac),
            (&keys[1], [PLAIN.to_owned(), WIDE.to_owned()], RSA),
            (&keys[1], [PLAIN.to_owned(), bare], RSA),
            (&keys[2], [PLAIN.to_owned(), WIDE.to_owned()], ED25519),
        ] {
            for (sent, signature) in payloads.iter().zip(signatures) {
                // All in the query, all in the body, and a part in each.
                let cut = sent.find("&quantity").unwrap();
                let both = payload(&sent[..cut], &sent[cut..]);
                for payload in [payload(sent, ""), payload("", sent), both] {
                    assert!(key.verifies(&payload, signature), "{sent}");
                    assert!(!key.verifies(&payload[1..], signature));
                    assert!(!key.verifies(&payload, &signature[1..]));
                    assert!(!key.verifies(&payload, ""));
                }
            }
        }
        assert!(keys[0].verifies(&bought("LTCBTC"), &hmac[0].to_uppercase()), "case does not count in hex");
        assert!(!keys[2].verifies(PLAIN, &ED25519[0].to_lowercase()), "but in base64");
        assert!(!keys[2].verifies(PLAIN, ED25519[0].trim_end_matches('=')));
        assert!(!keys[1].verifies(PLAIN, ED25519[0]), "of another key");
    }

    #[test]
    fn only_known_keys_from_where_they_may_for_what_they_may() {
        let keys = keys();
        let home: IpAddr = [127, 0, 0, 1].into();
        let names: Vec<_> = keys.iter().map(|key| key.name.expose_secret().to_owned()).collect();
        let refused = "-2015 Invalid API-key, IP, or permissions for action.";
        let malformed = "-2014 API-key format invalid.";
        let other = names[0].replace('8', "9");
        for (name, address, needed, expected) in [
            (Some(&*names[0]), home, Permission::Trade, None),
            (Some(&*names[0]), home, Permission::UserData, Some(refused)),
            (Some(&*names[1]), home, Permission::UserData, None),
            (Some(&*names[1]), home, Permission::UserStream, None),
            (Some(&*names[1]), home, Permission::Trade, Some(refused)),
            (Some(&*names[2]), home, Permission::UserData, Some(refused)),
            (Some(&*names[2]), [10, 0, 0, 1].into(), Permission::UserData, None),
            (Some(&*other), home, Permission::Trade, Some(refused)),
            (Some(&names[0][1..]), home, Permission::Trade, Some(refused)),
            (Some("no key!"), home, Permission::Trade, Some(malformed)),
            (Some(""), home, Permission::Trade, Some(malformed)),
            (None, home, Permission::Trade, Some(malformed)),
        ] {
            let found = keys.admit(Asker { api_key: name, address }, needed);
            assert_eq!(found.err().map(|no| no.0.to_string()).as_deref(), expected, "{name:?} {needed:?}");
        }
    }

    #[test]
    fn nothing_of_a_key_shows() {
        assert_eq!(
            format!("{:?}", keys()),
            "Keys { keys: [ApiKey(hidden), ApiKey(hidden), ApiKey(hidden)], accounts: {} }"
        );
    }
}
