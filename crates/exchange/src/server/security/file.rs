//! The file of keys.
//!
//! For: TOML with one `[[key]]` a key, and what accounts begin with. Not for: quoting it; an error names keys by their number
//! and fields by their name, never what is in them.

use std::collections::BTreeMap;
use std::path::Path;

use candlewick_binance::signing::Credentials;
use candlewick_model::{Account, Amount, Asset};
use toml::{Table, Value};

use super::key::{ApiKey, Keys, Proof, is_well_formed};
use super::{Permission, public_key};

const FIELDS: [&str; 7] =
    ["api_key", "secret", "public_key", "public_key_file", "permissions", "ip_addresses", "account"];

/// Reads all keys and accounts; files that it names are in this folder.
pub(super) fn read(text: &str, folder: &Path) -> Result<Keys, String> {
    // The parser's own words quote the line, in which a secret may stand.
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    let document: Table = text.parse().map_err(|error: toml::de::Error| {
        error.span().map_or("no TOML".to_owned(), |span| format!("no TOML at line {}", line(span.start)))
    })?;
    if let Some(other) = document.keys().find(|name| !["key", "account"].contains(&name.as_str())) {
        return Err(format!("`{other}` is not known; there are [[key]] and [account.NUMBER]"));
    }
    let entries = document.get("key").and_then(Value::as_array).ok_or("there is no [[key]] in it")?;
    let mut keys: Vec<ApiKey> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let wrong = |reason: String| format!("key {}: {reason}", at + 1);
        let entry = entry.as_table().ok_or_else(|| wrong("no table".to_owned()))?;
        let key = key(entry, folder).map_err(wrong)?;
        if keys.iter().any(|known| is_same_name(known, &key)) {
            return Err(wrong("an earlier one has the same `api_key`".to_owned()));
        }
        keys.push(key);
    }
    Ok(Keys { keys, accounts: document.get("account").map_or(Ok(BTreeMap::new()), accounts)? })
}

/// What accounts hold at the beginning, by number.
fn accounts(entries: &Value) -> Result<BTreeMap<usize, Account>, String> {
    let entries = entries.as_table().ok_or("`account` must be tables such as [account.1]")?;
    let account = |(number, held): (&String, &Value)| {
        let wrong = |reason: String| format!("account {number}: {reason}");
        let at: usize = number.parse().map_err(|_| format!("[account.{number}]: accounts have numbers, from 0 on"))?;
        let held = held.as_table().ok_or_else(|| wrong("no table of assets and amounts".to_owned()))?;
        let balance = |(asset, amount): (&String, &Value)| {
            let asset = Asset::new(asset).map_err(|_| wrong(format!("`{asset}` is no asset")))?;
            Ok((asset, held_of(amount).ok_or_else(|| wrong(format!("`{asset}` must be an amount from 0 to 10^15")))?))
        };
        Ok((at, held.iter().map(balance).collect::<Result<Account, String>>()?))
    };
    entries.iter().map(account).collect()
}

/// An amount as a number or as a text, as in the configuration of a run.
fn held_of(value: &Value) -> Option<Amount> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Integer(_) | Value::Float(_) => value.to_string(),
        _ => return None,
    };
    text.parse().ok().filter(|amount| (Amount::ZERO..=MOST).contains(amount))
}

/// More of an asset than there is of any.
const MOST: Amount = Amount::from_units(1_000_000_000_000_000 * 100_000_000);

fn is_same_name(a: &ApiKey, b: &ApiKey) -> bool {
    use secrecy::ExposeSecret as _;
    a.name.expose_secret() == b.name.expose_secret()
}

fn key(entry: &Table, folder: &Path) -> Result<ApiKey, String> {
    if let Some(other) = entry.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(format!("`{other}` is not known; there are {}", FIELDS.join(", ")));
    }
    let name = text(entry, "api_key")?.ok_or("`api_key` is missing")?;
    if !is_well_formed(name) {
        return Err("`api_key` must be letters and digits".to_owned());
    }
    let account = match entry.get("account") {
        None => 0,
        Some(value) => {
            value.as_integer().and_then(|n| usize::try_from(n).ok()).ok_or("`account` must be a number from 0 on")?
        }
    };
    let addresses = list(entry, "ip_addresses", |text| text.parse().ok())?.unwrap_or_default();
    let permission = |text: &str| Permission::ALL.into_iter().find(|known| known.as_str() == text);
    // As at the exchange, a key cannot trade unless it is told that it may.
    let permissions = list(entry, "permissions", permission)?;
    let permissions = permissions.unwrap_or_else(|| vec![Permission::UserData, Permission::UserStream]);
    Ok(ApiKey { name: name.into(), proof: proof(entry, name, folder)?, permissions, addresses, account })
}

fn proof(entry: &Table, name: &str, folder: &Path) -> Result<Proof, String> {
    let of_pem = |pem: &str| {
        public_key::proof(pem)
            .ok_or_else(|| "the public key must be PEM of RSA with 2048 or 4096 bits, or of Ed25519".to_owned())
    };
    match (text(entry, "secret")?, text(entry, "public_key")?, text(entry, "public_key_file")?) {
        (Some(""), None, None) => Err("`secret` is empty".to_owned()),
        (Some(secret), None, None) => Ok(Proof::Hmac(Credentials::new(name, secret))),
        (None, Some(pem), None) => of_pem(pem),
        (None, None, Some(file)) => {
            let path = folder.join(file);
            let pem = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            of_pem(&pem)
        }
        _ => Err("give one of `secret` (HMAC), `public_key` and `public_key_file` (RSA, Ed25519)".to_owned()),
    }
}

fn text<'a>(entry: &'a Table, name: &str) -> Result<Option<&'a str>, String> {
    match entry.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{name}` must be a text")),
    }
}

fn list<T>(entry: &Table, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<Vec<T>>, String> {
    let Some(value) = entry.get(name) else { return Ok(None) };
    let expected = match name {
        "permissions" => "USER_DATA, TRADE, USER_STREAM",
        _ => "IP addresses",
    };
    let wrong = || format!("`{name}` must be a list of {expected}");
    let items = value.as_array().ok_or_else(wrong)?;
    let read = items.iter().map(|item| item.as_str().and_then(&read).ok_or_else(wrong));
    read.collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_do_what_it_was_told_and_no_more() {
        let text = r#"
            [[key]]
            api_key = "reader"
            secret = "s3cret"
            [[key]]
            api_key = "trader"
            secret = "s3cret"
            permissions = ["TRADE"]
            ip_addresses = ["127.0.0.1", "::1"]
            account = 2"#;
        let Keys { keys, accounts } = read(text, Path::new(".")).unwrap();
        assert!(accounts.is_empty());
        assert_eq!(keys[0].permissions, [Permission::UserData, Permission::UserStream]);
        assert_eq!((keys[0].addresses.len(), keys[0].account), (0, 0));
        assert_eq!(keys[1].permissions, [Permission::Trade]);
        assert_eq!((keys[1].addresses.len(), keys[1].account), (2, 2));
        assert!(matches!(keys[0].proof, Proof::Hmac(_)));
        assert_eq!(format!("{keys:?}"), "[ApiKey(hidden), ApiKey(hidden)]");
    }

    #[test]
    fn accounts_begin_with_what_they_are_given() {
        let text = "[[key]]\napi_key = \"a\"\nsecret = \"s\"\n[account.2]\nUSDT = 5000\nBTC = \"0.25\"\nETH = 0.1\n[account.0]";
        let keys = read(text, Path::new(".")).unwrap();
        let usual = Account::from_iter([("USDT".parse().unwrap(), "7".parse().unwrap())]);
        let held = keys.accounts(&usual).unwrap();
        let free = |number: usize, asset: &str| held[number].balance(asset.parse().unwrap()).free.to_string();
        assert_eq!((held.len(), held[0].iter().count()), (3, 0), "nothing, as it says");
        assert_eq!(free(1, "USDT"), "7.00000000");
        assert_eq!([free(2, "USDT"), free(2, "BTC"), free(2, "ETH")], ["5000.00000000", "0.25000000", "0.10000000"]);
        let far = Keys { accounts: BTreeMap::from([(1_000, usual.clone())]), ..Keys::default() };
        assert!(far.accounts(&usual).is_err());
    }

    #[test]
    fn errors_say_where_and_never_what() {
        for (text, expected) in [
            ("", "there is no [[key]] in it"),
            ("[[key]]\napi_key = \"s3cret", "no TOML at line 2"),
            ("[[keys]]", "`keys` is not known; there are [[key]] and [account.NUMBER]"),
            ("account = 1\n[[key]]\napi_key = \"a\"\nsecret = \"s\"", "`account` must be tables such as [account.1]"),
            ("[[key]]\napi_key = \"a\"\nsecret = \"s\"\n[account.x]", "[account.x]: accounts have numbers, from 0 on"),
            (
                "[[key]]\napi_key = \"a\"\nsecret = \"s\"\n[account.1]\nUSDT = -1",
                "account 1: `USDT` must be an amount from 0 to 10^15",
            ),
            (
                "[[key]]\napi_key = \"a\"\nsecret = \"s\"\n[account.1]\nUSDT = true",
                "account 1: `USDT` must be an amount from 0 to 10^15",
            ),
            ("key = [\"s3cret\"]", "key 1: no table"),
            ("[[key]]\nsecret = \"s3cret\"", "key 1: `api_key` is missing"),
            ("[[key]]\napi_key = \"s3cret key\"", "key 1: `api_key` must be letters and digits"),
            ("[[key]]\napi_key = \"a\"\nsecret = 345", "key 1: `secret` must be a text"),
            (
                "[[key]]\napi_key = \"a\"",
                "key 1: give one of `secret` (HMAC), `public_key` and `public_key_file` (RSA, Ed25519)",
            ),
            (
                "[[key]]\napi_key = \"a\"\npublic_key = \"s3cret\"",
                "key 1: the public key must be PEM of RSA with 2048 or 4096 bits, or of Ed25519",
            ),
            (
                "[[key]]\napi_key = \"a\"\nsecret = \"s3cret\"\npermissions = [\"s3cret\"]",
                "key 1: `permissions` must be a list of USER_DATA, TRADE, USER_STREAM",
            ),
            (
                "[[key]]\napi_key = \"a\"\nsecret = \"s3cret\"\nip_addresses = [\"home\"]",
                "key 1: `ip_addresses` must be a list of IP addresses",
            ),
            (
                "[[key]]\napi_key = \"a\"\nsecret = \"s3cret\"\naccount = -1",
                "key 1: `account` must be a number from 0 on",
            ),
            (
                "[[key]]\napi_key = \"a\"\nsecret = \"s\"\n[[key]]\napi_key = \"a\"\nsecret = \"t\"",
                "key 2: an earlier one has the same `api_key`",
            ),
        ] {
            let error = read(text, Path::new(".")).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.contains("s3cret"));
        }
    }
}
