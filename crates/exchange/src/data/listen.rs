//! Connections: HTTP/1.1 and HTTP/2, plain or over TLS, with limits and timeouts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{DEFAULT_VERSIONS, ServerConfig};
use tower_service::Service;

use super::patience::Patient;
use crate::ExchangeError;

/// So many connections at a time; more of them are closed at once, as who waits for a place that
/// idle ones hold would wait for long.
const CONNECTIONS_MAX: usize = 10_240;
const PATIENCE: Patience = Patience { read: Duration::from_secs(30), write: Duration::from_secs(120) };
/// Headers may be so large.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// For how long a connection may stand still.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// A client that says nothing for so long, or does not finish its header or handshake, is left.
    read: Duration,
    /// A client that takes nothing for so long is left; a WebSocket is told why before that.
    write: Duration,
}

/// The other end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// Whether it speaks TLS.
    pub(crate) is_secure: bool,
    /// Its place among the connections that there can be; who goes on with the connection keeps it.
    #[expect(dead_code, reason = "kept, not read")]
    place: Arc<OwnedSemaphorePermit>,
}

/// Certificate and key of a server.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl Tls {
    /// Reads a certificate chain and a private key, both PEM.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, ExchangeError> {
        let wrong = |path: &Path, reason: String| ExchangeError::Tls { path: path.to_owned(), reason };
        let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.map_err(|error| wrong(certificate, error.to_string()))?;
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(DEFAULT_VERSIONS)
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
            .map_err(|error| wrong(certificate, error.to_string()))?;
        config.alpn_protocols = [b"h2".as_slice(), b"http/1.1"].map(<[u8]>::to_vec).into();
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

/// Listens on a port of 127.0.0.1; 0 is any that is free.
pub(crate) async fn bind(port: u16) -> Result<(TcpListener, SocketAddr), ExchangeError> {
    bind_to((Ipv4Addr::LOCALHOST, port).into()).await
}

/// Listens on a port of an address.
pub(crate) async fn bind_to(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), ExchangeError> {
    let bound = |source| ExchangeError::Bind { address: wanted, source };
    let listener = TcpListener::bind(wanted).await.map_err(bound)?;
    let address = listener.local_addr().map_err(bound)?;
    Ok((listener, address))
}

/// Serves until it is aborted.
pub(crate) async fn serve(listener: TcpListener, tls: Option<Tls>, routes: Router) -> std::io::Result<()> {
    serve_so_many(listener, tls, routes, CONNECTIONS_MAX, PATIENCE).await
}

async fn serve_so_many(
    listener: TcpListener,
    tls: Option<Tls>,
    routes: Router,
    connections_max: usize,
    patience: Patience,
) -> std::io::Result<()> {
    let places = Arc::new(Semaphore::new(connections_max));
    // Connections end with the server.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        // Out of files, or a client that has gone already: no reason to stop for the others.
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let peer = Peer { address: peer.ip(), is_secure: tls.is_some(), place: Arc::new(place) };
        connections.spawn(converse(stream, tls.clone(), Asked { routes: routes.clone(), peer }, patience));
    }
}

/// Routes that are told who asks.
#[derive(Clone)]
struct Asked {
    routes: Router,
    peer: Peer,
}

impl<B> Service<Request<B>> for Asked
where
    Router: Service<Request<B>>,
{
    type Response = <Router as Service<Request<B>>>::Response;
    type Error = <Router as Service<Request<B>>>::Error;
    type Future = <Router as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.routes.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.peer.clone());
        self.routes.call(request)
    }
}

async fn converse(stream: TcpStream, tls: Option<Tls>, routes: Asked, patience: Patience) {
    // Answers are small and waited for: they must not be held back for more to come.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    match tls {
        None => speak(stream, routes, patience).await,
        Some(Tls(acceptor)) => match tokio::time::timeout(patience.read, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => speak(stream, routes, patience).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
            Err(_) => tracing::debug!("a handshake that never ended"),
        },
    }
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, routes: Asked, patience: Patience) {
    let stream = Patient::new(stream, patience.read, patience.write);
    let service = TowerToHyperService::new(routes);
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.read)
        .max_buf_size(HEADER_BYTES_MAX)
        // Who has asked may end its side, and waits for the answer.
        .half_close(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(patience.read))
        .max_header_list_size(HEADER_BYTES_MAX as u32)
        .adaptive_window(true);
    // A broken connection is the client's affair, or a fault's.
    if let Err(error) = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection broke");
    }
}

#[cfg(test)]
mod tests;
