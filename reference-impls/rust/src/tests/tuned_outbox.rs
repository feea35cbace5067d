use std::future::poll_fn;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::connection::turn::Turns;
use crate::connection::{Encoded, Outbox};

/// Kernels double it, and have a least of their own.
const SOCKET_BYTES: u32 = 4_096;
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection whose task does nothing but go on when its socket was full.
pub struct Pair {
    pub outbox: Arc<Outbox>,
    pub client: TcpStream,
    got: Vec<u8>,
}

impl Pair {
    pub async fn new(turns: &Arc<Turns>, stop: &CancellationToken) -> Self {
        let [listening, connecting] = [(); 2].map(|()| TcpSocket::new_v4().unwrap());
        listening.set_send_buffer_size(SOCKET_BYTES).unwrap();
        connecting.set_recv_buffer_size(SOCKET_BYTES).unwrap();
        listening.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let listener = listening.listen(1).unwrap();
        let connected = connecting.connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(connected, listener.accept());
        let outbox = Outbox::new(accepted.unwrap().0.into_split().1, turns, stop);
        let task = outbox.clone();
        tokio::spawn(poll_fn(move |cx| {
            let _ = task.poll_full(cx);
            Poll::<()>::Pending
        }));
        Self { outbox, client: client.unwrap(), got: Vec::new() }
    }

    /// What has arrived by now, `most` bytes of it.
    pub async fn read_some(&mut self, most: usize) {
        let mut bytes = vec![0; most];
        let count = poll_fn(|cx| {
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = std::pin::Pin::new(&mut self.client).poll_read(cx, &mut buffer);
            Poll::Ready(if read.is_ready() { buffer.filled().len() } else { 0 })
        });
        let count = count.await;
        self.got.extend(&bytes[..count]);
    }

    /// All that it was sent, once it is so many bytes.
    pub async fn received(&mut self, length: usize) -> &[u8] {
        while self.got.len() < length {
            let read = timeout(PATIENCE, self.client.read_buf(&mut self.got)).await;
            assert_ne!(read.expect("all comes").unwrap(), 0, "the connection ended");
        }
        &self.got
    }
}

async fn pair() -> Pair {
    Pair::new(&Arc::default(), &CancellationToken::new()).await
}

fn frame(bytes: &[u8]) -> Encoded {
    bytes.into()
}

/// Of a frame whose text has 126 to 65,535 bytes, or fewer than that.
pub fn text(frame: &Encoded) -> &str {
    let bytes = frame.as_ref();
    assert_eq!(bytes[0], 0x81);
    let header = if bytes[1] < 126 { 2 } else { 4 };
    std::str::from_utf8(&bytes[header..]).unwrap()
}

#[tokio::test]
async fn what_is_delivered_arrives_in_order() {
    let mut pair = pair().await;
    [&b"one"[..], b"two", b"three"].iter().for_each(|bytes| pair.outbox.deliver(frame(bytes)));
    assert_eq!(pair.received(11).await, b"onetwothree");
}

#[tokio::test]
async fn who_does_not_read_is_ended_and_gets_what_it_was_told_by_then() {
    let mut slow = pair().await;
    let mut sent = Vec::new();
    while !slow.outbox.ended.is_cancelled() {
        assert!(sent.len() < 1 << 23, "the limit is 1 MiB and what both sockets hold");
        let next = vec![sent.len() as u8; 1 << 14];
        slow.outbox.deliver(frame(&next));
        if !slow.outbox.ended.is_cancelled() {
            sent.extend(next);
        }
    }
    assert!(sent.len() >= 1 << 20);
    slow.outbox.deliver_last(frame(b"close"));
    sent.extend(b"close");
    assert!(slow.received(sent.len()).await == sent);
}

#[tokio::test]
async fn who_reads_is_told_more_than_the_limit() {
    let mut reader = pair().await;
    let quarter = vec![7; 1 << 18];
    for count in 1..=8 {
        reader.outbox.deliver(frame(&quarter));
        reader.received(count * quarter.len()).await;
    }
    assert!(!reader.outbox.ended.is_cancelled());
}

#[tokio::test]
async fn a_socket_that_has_failed_holds_nothing() {
    let turns: Arc<Turns> = Arc::default();
    let gone = Pair::new(&turns, &CancellationToken::new()).await;
    gone.client.set_zero_linger().unwrap();
    drop(gone.client);
    for _ in 0..200 {
        gone.outbox.deliver(frame(&[0; 1 << 16]));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(!gone.outbox.ended.is_cancelled());
}

#[tokio::test]
async fn who_comes_after_the_stop_is_ended() {
    let (turns, stopping) = (Arc::default(), CancellationToken::new());
    let early = Pair::new(&turns, &stopping).await;
    stopping.cancel();
    let late = Pair::new(&turns, &stopping).await;
    assert!(early.outbox.ended.is_cancelled() && late.outbox.ended.is_cancelled());
}
