use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{ready, Context, Poll},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::{timeout, Instant},
};

/// When the client was last heard. tungstenite shows whole messages only, and a client that
/// takes its time over the fragments of one is not silent.
pub type Heard = Arc<Mutex<Instant>>;

pub struct Transport {
    tcp: TcpStream,
    heard: Heard,
}

impl Transport {
    pub fn new(tcp: TcpStream) -> (Self, Heard) {
        let heard = Arc::new(Mutex::new(Instant::now()));
        (Self { tcp, heard: heard.clone() }, heard)
    }

    /// Waits for the client to end its side. To close a socket with unread input resets it, and
    /// the reset may overtake the close frame.
    pub async fn linger(&mut self, limit: Duration) {
        let _ = self.tcp.shutdown().await;
        let mut ignored = [0; 4096];
        let drain = async { while matches!(self.tcp.read(&mut ignored).await, Ok(1..)) {} };
        let _ = timeout(limit, drain).await;
    }

    /// Makes the close a reset, which frees what the client won't read.
    pub fn reset(&self) {
        let _ = self.tcp.set_linger(Some(Duration::ZERO));
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.tcp).poll_read(context, buffer))?;
        *self.heard.lock() = Instant::now();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
