//! A small web server over a folder, which counts what it is asked and misbehaves on demand.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What goes wrong with one answer.
#[derive(Clone)]
pub(crate) enum Fault {
    /// The answer is this status and nothing else.
    Status(u16),
    /// The body ends half way through.
    Cut,
    /// The body is this.
    Body(Vec<u8>),
}

struct Shared {
    folder: PathBuf,
    requests: Mutex<Vec<String>>,
    faults: Mutex<HashMap<String, Vec<Fault>>>,
    delay: Duration,
    is_closed: AtomicBool,
    in_flight: AtomicUsize,
    busiest: AtomicUsize,
}

/// Serves as long as it lives.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    pub(crate) fn new(folder: &Path) -> Self {
        Self::slow(folder, Duration::ZERO)
    }

    /// One that waits before every answer.
    pub(crate) fn slow(folder: &Path, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            requests: Mutex::default(),
            faults: Mutex::default(),
            delay,
            is_closed: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            busiest: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if serving.is_closed.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&serving);
                // A client that was killed breaks its connection; that is not the server's fault.
                std::thread::spawn(move || drop(answer(connection, &shared)));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every path that was asked for so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many requests were under way at the same moment, at most.
    pub(crate) fn busiest(&self) -> usize {
        self.shared.busiest.load(Ordering::Relaxed)
    }

    /// The next answers for a path go wrong, one fault each.
    pub(crate) fn fail(&self, path: &str, mut faults: Vec<Fault>) {
        faults.reverse();
        self.shared.faults.lock().unwrap().insert(path.to_owned(), faults);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn answer(connection: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let path = decoded(first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/'));
    shared.requests.lock().unwrap().push(path.clone());
    let in_flight = shared.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
    shared.busiest.fetch_max(in_flight, Ordering::Relaxed);
    std::thread::sleep(shared.delay);
    shared.in_flight.fetch_sub(1, Ordering::Relaxed);
    let fault = shared.faults.lock().unwrap().get_mut(&path).and_then(Vec::pop);
    let (status, body) = match (&fault, std::fs::read(shared.folder.join(&path))) {
        (Some(Fault::Status(status)), _) => (*status, Vec::new()),
        (Some(Fault::Body(body)), _) => (200, body.clone()),
        (_, Ok(body)) => (200, body),
        (_, Err(_)) => (404, Vec::new()),
    };
    let sent = if matches!(fault, Some(Fault::Cut)) { &body[..body.len() / 2] } else { &body[..] };
    let mut connection = reader.into_inner();
    write!(connection, "HTTP/1.1 {status} Any\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len())?;
    connection.write_all(sent)
}

/// Undoes percent-encoding.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let code = behind.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match (first, code.and_then(|code| u8::from_str_radix(code, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}
