//! Trading requests whose answers get lost on the way: what was executed is found by its
//! client id and nothing is sent twice, so that the run is still the backtest's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use candlewick_binance::rest::{Rest, RestError};
use candlewick_model::{RawParameters, Timestamp};
use candlewick_strategy::patience::{RETRY_AFTER_MAX_SECONDS, Reaction, reaction};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Sits between client and server, and hangs up instead of delivering the answers to some of
/// the trading requests.
pub(crate) struct BadLine {
    pub(crate) address: SocketAddr,
    pub(crate) lost: Arc<AtomicUsize>,
}

impl BadLine {
    /// Every `nth` trading request loses its answer.
    pub(crate) async fn to(server: SocketAddr, nth: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (trading, lost) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let told = Arc::clone(&lost);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let upstream = TcpStream::connect(server).await.unwrap();
                tokio::spawn(line(client, upstream, Arc::clone(&trading), Arc::clone(&lost), nth));
            }
        });
        Self { address, lost: told }
    }
}

/// One connection: a request, its answer, and again. What is sent here fits one read.
async fn line(
    mut client: TcpStream,
    mut server: TcpStream,
    trading: Arc<AtomicUsize>,
    lost: Arc<AtomicUsize>,
    nth: usize,
) {
    let mut buffer = vec![0; 1 << 20];
    loop {
        let Ok(read @ 1..) = client.read(&mut buffer).await else { return };
        let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
        server.write_all(&buffer[..read]).await.unwrap();
        let mut answer = Vec::new();
        while !is_whole(&answer) {
            let Ok(read @ 1..) = server.read(&mut buffer).await else { return };
            answer.extend_from_slice(&buffer[..read]);
        }
        let trades = request.starts_with("POST /api/v3/order") || request.starts_with("DELETE /api/v3/order");
        if trades && (trading.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(nth) {
            lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        client.write_all(&answer).await.unwrap();
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    answer.len() >= end + 4 + length.unwrap_or(0)
}

#[test]
fn what_got_lost_is_found_by_its_client_id() {
    super::parity::agrees_over_a_bad_line();
}

/// A server that gives one canned answer and hangs up.
async fn canned(answer: String) -> Rest {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut buffer = [0; 4_096];
            let _ = client.read(&mut buffer).await;
            let _ = client.write_all(answer.as_bytes()).await;
        }
    });
    Rest::new(&url, Box::new(|| Timestamp::from_micros(1_700_000_000_000_000))).unwrap()
}

#[test]
fn the_kinds_of_no_are_told_apart() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let told = |status: &str, body: &str| {
        let answer = match status {
            "" => String::new(),
            _ => format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
        };
        runtime.block_on(async {
            let rest = canned(answer).await;
            let order: RawParameters = [("symbol", "BTCUSDT")].into_iter().collect();
            (rest.new_order(&order).await.unwrap_err(), rest.time().await.unwrap_err())
        })
    };
    let (order, _) = told("400 Bad Request", r#"{"code":-2010,"msg":"Market is closed."}"#);
    assert!(matches!(order, RestError::Refused(refusal) if refusal.code == -2010));
    let (order, question) = told("503 Service Unavailable", "");
    assert!(matches!(order, RestError::Unknown { .. }), "a trading request may have been executed");
    assert!(matches!(question, RestError::Answer { .. }), "a question may be asked again");
    let (order, _) = told("400 Bad Request", r#"{"code":-1007,"msg":"Timeout"}"#);
    assert!(matches!(order, RestError::Unknown { .. }));
    let (order, _) = told("", "");
    assert!(matches!(order, RestError::Unknown { .. }), "the line went dead");
    let (order, question) = told("429 Too Many Requests\r\nRetry-After: 7", "");
    for error in [order, question] {
        assert!(matches!(error, RestError::Limited { status: 429, retry_after_seconds: Some(7), .. }));
    }
    let (order, _) = told("418 I'm a teapot", "");
    assert!(matches!(order, RestError::Limited { status: 418, retry_after_seconds: None, .. }));
    let nobody = Rest::new("http://127.0.0.1:1", Box::new(|| Timestamp::from_micros(0))).unwrap();
    let order: RawParameters = [("symbol", "BTCUSDT")].into_iter().collect();
    let error = runtime.block_on(nobody.new_order(&order)).unwrap_err();
    assert!(matches!(error, RestError::Transport { .. }), "never delivered: {error}");
    assert!(!error.to_string().contains("signature"), "{error}");
}

/// A backtest under stress does about an answer what live does: the client's kinds of no, and
/// what `sender` makes of them.
#[test]
fn stress_reacts_as_live_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for status in [400_u16, 403, 409, 418, 429, 500, 502, 503, 504] {
        for code in [-1000, -1003, -1006, -1007, -1008, -1015, -1021, -2010] {
            for retry_after in [None, Some(7), Some(120), Some(121)] {
                let body = format!(r#"{{"code":{code},"msg":"no"}}"#);
                let after = retry_after.map(|seconds| format!("\r\nRetry-After: {seconds}")).unwrap_or_default();
                let answer = format!("HTTP/1.1 {status} X{after}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                let order: RawParameters = [("symbol", "BTCUSDT")].into_iter().collect();
                let error = runtime.block_on(async { canned(answer).await.new_order(&order).await.unwrap_err() });
                let live = match error {
                    RestError::Unknown { .. } => Reaction::LookUp,
                    RestError::Limited { status: 429, retry_after_seconds, .. } => {
                        match retry_after_seconds.unwrap_or(1) {
                            seconds if seconds <= RETRY_AFTER_MAX_SECONDS.into() => {
                                Reaction::Again { after_us: seconds as i64 * 1_000_000 }
                            }
                            _ => Reaction::GiveUp,
                        }
                    }
                    RestError::Limited { .. } => Reaction::GiveUp,
                    RestError::Refused(refusal) if refusal.code == -1021 => Reaction::Again { after_us: 0 },
                    RestError::Refused(_) => Reaction::Refused,
                    other => panic!("{other}"),
                };
                assert_eq!(reaction(status, code, retry_after), live, "{status} {code} {retry_after:?}");
            }
        }
    }
}
