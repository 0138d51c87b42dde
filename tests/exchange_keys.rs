//! Keys of all three kinds, what they may do and from where: the program over HTTP.
//!
//! Its time stands still before the first open, so what OpenSSL signed once holds for ever; the
//! private keys are gone.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};

use candlewick_binance::signing::{Credentials, percent_encode};
use reqwest::Method;
use serde_json::Value;

use super::program::{candlewick, run as run_program};

const KEYS: &str = r#"
[[key]]
api_key = "hmacTrader"
secret = "a s3cret"
permissions = ["TRADE", "USER_DATA"]

[[key]]
api_key = "rsaReader"
public_key_file = "rsa.pem"

[[key]]
api_key = "edTrader"
permissions = ["TRADE"]
ip_addresses = ["127.0.0.1"]
public_key = """
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA1Tkt4cYVufaSW1PsyR60YlGGDxsSEsEsYrKaFxi9gf8=
-----END PUBLIC KEY-----
"""

[[key]]
api_key = "elsewhere"
secret = "a s3cret"
permissions = ["TRADE", "USER_DATA", "USER_STREAM"]
ip_addresses = ["192.0.2.1"]
"#;

const RSA_KEY: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqZ3wAhFyuh03BMJMdZvC
sW93BIPXvI6uKPAqOX8NVAiJ3ugv3hTV1POAqDF5324FbMcL7PjPDGpDssKPNjtL
ZxoJ+g4VLFhqLxDOGkYBp8BO3Eekge6dHc4r7FkVdc4pleaI/MXDo0kJrN/CCOVi
dLszT7d1v+TibnYs25PBGLrp+PMPIW/vs16drac9zGaRpQliVI56MwlRD5hItlnr
MKPpk/i7BWckTjqw6+3Y/vq1V0/0a4udOiIfLxFetqKRLS/MREHfNKMG/bJjiG3d
TraNcS4VU+t0uSJv3KLl+TfIqlMXjX8ynygA2ZBBIVcwrmGSWEjlbKgr64Wm62Tx
1wIDAQAB
-----END PUBLIC KEY-----
";

/// The open of the first bar.
const TIME: &str = "timestamp=1677628800000&recvWindow=60000";
/// The RSA key's signature of [`TIME`].
const RSA_SIGNATURE: &str = "gfjlIraul0CfakMrLbvS3WGWJNnPfgL6xramzYJUnavq7gNf0Z5WH+UP8iMTDLKprbyVCMBV6rFT/qa+6fZp2auaUirJ9GM7nwUmN7X+ODKDEmlqE51BmrgTAPJulPjYkFu9ZjzcRIktjCS4S7vavYTHeePm+/v0Yf7le0/1O1nPD9iBe62b3Q2+g9pEqAZ+0W0SB3VuRf+0P5wEQ/7p90+v2Prf8aX06vNUFFK5ihiIQp6fuz+t9Op46vhho5U+8wG/6kQ6aPsYpmkg62ose6GiVrl4p6ONX3vDZYGdbttu3t6pqEPDFPQFS9dV92NEg8Cn5z14lLqwFdkFqfKyoQ==";
const QUERY: &str = "symbol=BTCUSDT&side=BUY&type=MARKET";
const BODY: &str = "quantity=0.01&timestamp=1677628800000&recvWindow=60000";
/// The Ed25519 key's signature of [`QUERY`] and [`BODY`], without anything between them.
const ED25519_SIGNATURE: &str =
    "KEgs3SNsXhAla4Hr3kXoWVDL/ixM+uE6kicKVYgIArk9wddrt+xkNMl33XDWRiH8JzC+2WO83iPdtTRwxw0RDw==";

struct Program {
    child: Child,
    url: String,
    http: reqwest::Client,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    fn start(folder: &std::path::Path) -> Self {
        let keys = folder.join("keys.toml");
        std::fs::write(&keys, KEYS).unwrap();
        std::fs::write(folder.join("rsa.pem"), RSA_KEY).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut command = candlewick();
        command.args(["exchange", "serve", "--generate", "5", "--days", "1", "--port", "0", "--keys"]).arg(&keys);
        command.env_remove("CANDLEWICK_API_KEY").env_remove("CANDLEWICK_API_SECRET").env("RUST_LOG", "trace");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, url: url.trim().to_owned(), http }
    }

    async fn ask(&self, method: Method, path: &str, key: &str, query: &str, body: &str) -> (u16, Value) {
        let request = self.http.request(method, format!("{}/api/v3/{path}?{query}", self.url));
        let request = request.header("X-MBX-APIKEY", key).header("Content-Type", "application/x-www-form-urlencoded");
        let answer = request.body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    /// What the program wrote beside its address, once it is stopped.
    fn log(mut self) -> String {
        self.child.kill().unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

fn code(answer: &(u16, Value)) -> (u16, i64) {
    (answer.0, answer.1["code"].as_i64().unwrap_or(0))
}

#[test]
fn every_kind_of_key_does_what_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (get, post) = (Method::GET, Method::POST);
        let hmac = Credentials::new("hmacTrader", "a s3cret").sign(TIME);
        let (rsa, ed25519) = (percent_encode(RSA_SIGNATURE), percent_encode(ED25519_SIGNATURE));

        // Each of them signs, wherever the signature stands.
        let by_hmac = format!("{TIME}&signature={}", hmac.to_uppercase());
        assert_eq!(program.ask(get.clone(), "openOrders", "hmacTrader", &by_hmac, "").await.0, 200);
        let by_rsa = format!("signature={rsa}&{TIME}");
        let account = program.ask(get.clone(), "account", "rsaReader", &by_rsa, "").await;
        assert_eq!((account.0, &account.1["accountType"]), (200, &Value::from("SPOT")), "{account:?}");
        let signed_body = format!("{BODY}&signature={ed25519}");
        let placed = program.ask(post.clone(), "order", "edTrader", QUERY, &signed_body).await;
        assert_eq!((placed.0, &placed.1["status"]), (200, &Value::from("FILLED")), "{placed:?}");
        // The signature alone in the body, as the documents' script sends it.
        let alone = format!("signature={hmac}");
        assert_eq!(program.ask(Method::DELETE, "order", "hmacTrader", TIME, &alone).await.1["code"], -1102, "signed");

        // A key that reads cannot trade, one that trades cannot read, one from elsewhere nothing.
        let refused = (401, -2015);
        assert_eq!(code(&program.ask(post.clone(), "order", "rsaReader", &by_rsa, "").await), refused);
        assert_eq!(code(&program.ask(get.clone(), "account", "edTrader", &by_rsa, "").await), refused);
        assert_eq!(code(&program.ask(get.clone(), "account", "elsewhere", &by_hmac, "").await), refused);
        // With a file of keys there is no `local` beside it.
        assert_eq!(code(&program.ask(get.clone(), "account", "local", &by_hmac, "").await), refused);
        assert_eq!(code(&program.ask(get.clone(), "account", "no key", &by_hmac, "").await), (401, -2014));

        // A signature counts for what it signed and for its own key.
        let invalid = (400, -1022);
        assert_eq!(code(&program.ask(get.clone(), "account", "rsaReader", &by_hmac, "").await), invalid);
        assert_eq!(code(&program.ask(get.clone(), "account", "hmacTrader", &by_rsa, "").await), invalid);
        let bare = format!("{TIME}&signature={}", RSA_SIGNATURE);
        assert_eq!(code(&program.ask(get.clone(), "account", "rsaReader", &bare, "").await), invalid, "+ is a space");
        let other = format!("{QUERY}&quantity=0.02");
        assert_eq!(code(&program.ask(post.clone(), "order", "edTrader", &other, &signed_body).await), invalid);
        let late = TIME.replace("60000", "60001");
        assert_eq!(
            code(&program.ask(get, "account", "hmacTrader", &format!("{late}&signature=00"), "").await),
            (400, -1102)
        );
    });
    let log = program.log();
    assert!(log.contains("keys.toml"), "{log}");
    for secret in ["a s3cret", "hmacTrader", RSA_SIGNATURE, ED25519_SIGNATURE] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn keys_that_cannot_be_used_end_the_program_without_being_shown() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.toml");
    let path = keys.to_str().unwrap();
    for (text, told) in [
        ("[[key]]\napi_key = \"a\"\nsecret = \"s3cret", "no TOML at line 3"),
        ("[[key]]\napi_key = \"a\"\nsecret = 7\n", "key 1: `secret` must be a text"),
        ("[[key]]\napi_key = \"a\"\npublic_key_file = \"none.pem\"\n", "none.pem"),
        ("[[key]]\napi_key = \"a\"\nsecret = \"s3cret\"\naccount = 1000\n", "account 1000 is too high a number"),
    ] {
        std::fs::write(&keys, text).unwrap();
        let ended =
            run_program(&["exchange", "serve", "--generate", "1", "--days", "1", "--port", "0", "--keys", path]);
        ended.assert(2, &[told]);
        assert!(!format!("{ended:?}").contains("s3cret"), "{ended:?}");
    }
}
