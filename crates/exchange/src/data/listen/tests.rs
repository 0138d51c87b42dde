use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const SHORT: Patience = Patience { read: Duration::from_millis(200), write: Duration::from_millis(200) };
/// Longer than a server with little patience waits, and shorter than one that has a lot of it.
const LONG: Duration = Duration::from_secs(10);
/// More than all buffers on the way have room for.
const HUGE: usize = 64 << 20;

/// Asks for something; how the answer begins.
async fn ask(stream: &mut TcpStream) -> String {
    let mut begins = [0; 12];
    let _ = stream.write_all(REQUEST).await;
    let read = stream.read_exact(&mut begins).await;
    read.map_or_else(|_| "closed".to_owned(), |_| String::from_utf8_lossy(&begins).into_owned())
}

#[tokio::test]
async fn there_is_no_room_for_more_until_one_goes() {
    let (listener, address) = bind(0).await.unwrap();
    let routes = Router::new().route("/", get(async || "here"));
    let server = tokio::spawn(serve_so_many(listener, None, routes, 2, PATIENCE));
    let mut streams = Vec::new();
    for expected in ["HTTP/1.1 200", "HTTP/1.1 200", "closed", "closed"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut stream).await, expected);
        streams.push(stream);
    }
    drop(streams.swap_remove(0));
    while ask(&mut TcpStream::connect(address).await.unwrap()).await == "closed" {
        tokio::task::yield_now().await;
    }
    server.abort();
}

/// A server with some patience, plain or not, and the way to it.
struct Place {
    address: SocketAddr,
    connector: Option<TlsConnector>,
    server: JoinHandle<std::io::Result<()>>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Place {
    async fn new(is_secure: bool, patience: Patience) -> Self {
        let (listener, address) = bind(0).await.unwrap();
        let late = async || {
            sleep(Duration::from_millis(50)).await;
            "late"
        };
        let huge = async || vec![0; HUGE];
        let routes = Router::new().route("/", get(async || "here")).route("/late", get(late)).route("/huge", get(huge));
        let (tls, connector) = if is_secure { secrets() } else { (None, None) };
        let server = tokio::spawn(serve_so_many(listener, tls, routes, 9, patience));
        Self { address, connector, server }
    }

    /// A connection on which one can speak.
    async fn connect(&self) -> Box<dyn Stream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let Some(connector) = &self.connector else { return Box::new(stream) };
        let name = ServerName::try_from("localhost").unwrap();
        Box::new(connector.connect(name, stream).await.unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn secrets() -> (Option<Tls>, Option<TlsConnector>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut trusted = RootCertStore::empty();
    trusted.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_protocol_versions(DEFAULT_VERSIONS).unwrap().with_root_certificates(trusted);
    let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
    (Some(Tls::read(&certificate, &key).unwrap()), Some(connector))
}

/// What comes until the server has gone; an error is its end too.
async fn rest(stream: &mut (impl AsyncRead + Unpin + ?Sized)) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut all)).await.expect("the server leaves");
    all
}

#[tokio::test]
async fn who_does_not_finish_what_it_began_is_left() {
    for is_secure in [false, true] {
        let place = Place::new(is_secure, SHORT).await;
        for said in [&b""[..], b"G", b"GET / HTTP/1.1\r\nHost: a", b"PRI * HTTP/2.0\r\n"] {
            let mut stream = place.connect().await;
            stream.write_all(said).await.unwrap();
            stream.flush().await.unwrap();
            let told = String::from_utf8(rest(&mut *stream).await).unwrap();
            assert!(!told.contains("200"), "{told}");
        }
        // One that goes on too slowly is not waited for either, and one that was answered is left later.
        let mut slow = place.connect().await;
        slow.write_all(REQUEST).await.unwrap();
        let told = String::from_utf8(rest(&mut *slow).await).unwrap();
        assert!(told.starts_with("HTTP/1.1 200") && told.ends_with("here"), "{told}");
        let trickle = async {
            let mut drops = place.connect().await;
            for byte in REQUEST.iter().cycle().take(1_000).filter(|byte| **byte != b'\n') {
                if drops.write_all(&[*byte]).await.is_err() || drops.flush().await.is_err() {
                    return;
                }
                sleep(SHORT.read / 10).await;
            }
            panic!("it is listened to for ever");
        };
        timeout(LONG, trickle).await.expect("the server leaves");
    }
}

/// The hello of a client that never comes, or never ends.
#[tokio::test]
async fn who_does_not_finish_its_handshake_is_left() {
    let place = Place::new(true, SHORT).await;
    for said in [&b""[..], &[22], &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]] {
        let mut stream = TcpStream::connect(place.address).await.unwrap();
        stream.write_all(said).await.unwrap();
        assert_eq!(rest(&mut stream).await, [0; 0]);
    }
    let mut stream = TcpStream::connect(place.address).await.unwrap();
    let trickle = async {
        stream.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252]).await.unwrap();
        while stream.write_all(&[3]).await.is_ok() {
            sleep(SHORT.read / 10).await;
        }
    };
    timeout(LONG, trickle).await.expect("the server leaves");
}

#[tokio::test]
async fn who_takes_nothing_is_left() {
    for is_secure in [false, true] {
        let place = Place::new(is_secure, SHORT).await;
        let mut stream = place.connect().await;
        stream.write_all(b"GET /huge HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        stream.flush().await.unwrap();
        // The server gives up; what is on its way still arrives.
        sleep(SHORT.write * 10).await;
        let told = rest(&mut *stream).await.len();
        assert!((1..HUGE).contains(&told), "{is_secure}: {told}");
    }
}

#[tokio::test]
async fn who_ends_its_side_gets_its_answer() {
    for is_secure in [false, true] {
        let place = Place::new(is_secure, PATIENCE).await;
        let mut stream = place.connect().await;
        stream.write_all(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        stream.shutdown().await.unwrap();
        let told = String::from_utf8(rest(&mut *stream).await).unwrap();
        assert!(told.starts_with("HTTP/1.1 200") && told.ends_with("late"), "{is_secure}: {told}");
    }
}
