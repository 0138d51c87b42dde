//! Connections on which nothing goes on.
//!
//! For: clients that connect and never say which protocol they speak, and clients that take none of
//! what they asked for; they would keep their places for ever. Not for: what is too slow in between
//! (headers, bodies, pings), which those find out who wait for it.

use std::future::Future as _;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// After so many bytes it is known what is spoken.
const BEGINNING: usize = 24;

/// A stream that breaks where its client lets it wait.
pub(super) struct Patient<S> {
    stream: S,
    /// Absent once it has begun.
    beginning: Option<(usize, Pin<Box<Sleep>>)>,
    write_patience: Duration,
    /// Since when nothing can be written.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, read_patience: Duration, write_patience: Duration) -> Self {
        let beginning = Some((0, Box::pin(sleep(read_patience))));
        Self { stream, beginning, write_patience, stalled: None }
    }

    /// A result of writing, or an error where there has been none for too long.
    fn judged<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.write_patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let Some((count, patience)) = &mut self.beginning else { return read };
        *count += buffer.filled().len() - before;
        if *count >= BEGINNING {
            self.beginning = None;
        } else if read.is_pending() {
            ready!(patience.as_mut().poll(context));
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judged(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.judged(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judged(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judged(shut, context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn who_says_nothing_is_left() {
        for said in [&b""[..], b"PRI * HTTP/2.0\r\n"] {
            let (mut client, server) = duplex(64);
            let mut server = Patient::new(server, SHORT, LONG);
            client.write_all(said).await.unwrap();
            let mut read = vec![0; 64];
            let mut outcome = server.read(&mut read).await;
            if !said.is_empty() {
                assert_eq!(outcome.unwrap(), said.len());
                outcome = server.read(&mut read).await;
            }
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::TimedOut);
        }
    }

    #[tokio::test]
    async fn who_has_begun_may_pause() {
        let (mut client, server) = duplex(64);
        let mut server = Patient::new(server, SHORT, LONG);
        client.write_all(&[b'a'; BEGINNING]).await.unwrap();
        server.read_exact(&mut [0; BEGINNING]).await.unwrap();
        let later = async {
            sleep(SHORT * 3).await;
            client.write_all(b"b").await.unwrap();
        };
        let (_, read) = tokio::join!(later, server.read_u8());
        assert_eq!(read.unwrap(), b'b');
    }

    #[tokio::test]
    async fn who_takes_nothing_is_left_and_who_is_slow_is_not() {
        let (mut client, server) = duplex(8);
        let mut server = Patient::new(server, LONG, SHORT);
        let slow = async {
            for _ in 0..8 {
                sleep(SHORT / 4).await;
                client.read_exact(&mut [0; 4]).await.unwrap();
            }
        };
        let (_, written) = tokio::join!(slow, server.write_all(&[0; 32]));
        written.unwrap();
        assert_eq!(server.write_all(&[0; 32]).await.unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
