use std::future::{poll_fn, Future};
use std::io::{self, Read, Write};
use std::pin::{pin, Pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::TcpStream;
use tokio::select;
use tokio::time::{sleep, timeout, Instant};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::{
    CloseFrame, Role, WebSocketConfig, WebSocketContext,
};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::chat::Chat;
use crate::member::Member;

#[path = "log.rs"]
pub mod log;
#[path = "outbox.rs"]
mod outbox;
#[path = "room.rs"]
mod room;
#[path = "runtime.rs"]
mod runtime;
#[path = "turn.rs"]
pub mod turn;
#[path = "waiting.rs"]
mod waiting;

pub use outbox::{Encoded, Outbox};
pub use room::Rooms;
pub use runtime::tune;

const MESSAGE_BYTES_MAX: Option<usize> = Some(65_536);
/// As tungstenite's documentation advises for many connections.
const READ_BUFFER_BYTES: usize = 4_096;
/// Of one client, before others have their turn.
const READ_MESSAGES_MAX: usize = 16;
/// For what waits and a close frame to leave, and then for the client to end its side: a stop has
/// four seconds for both.
const WRITE_TIMEOUT: Duration = Duration::from_millis(2_000);
const LINGER_TIMEOUT: Duration = Duration::from_millis(1_500);
/// A process that stood still may hear of its timers before it hears of its sockets.
const READ_FIRST: Duration = Duration::from_millis(100);

/// None if the client has ended the connection.
type Farewell = Option<(CloseCode, &'static str)>;

/// Whether a request was well formed. On one node nothing that is asked for waits: it is served by
/// the first poll.
fn is_served(request: impl Future<Output = serde_json::Result<()>>, cx: &mut Context) -> bool {
    matches!(pin!(request).poll(cx), Poll::Ready(Ok(())))
}

/// Serves one client until it ends; `early` came together with the upgrade request.
pub async fn serve(tcp: TcpStream, early: Vec<u8>, user: String, chat: Arc<Chat>) {
    let _ = tcp.set_nodelay(true);
    let (socket, to_write) = tcp.into_split();
    let outbox = Outbox::new(to_write, &chat.rooms.turns, &chat.stopping);
    let member = Member::new(&chat, user, &outbox).await;
    let mut connection = Connection::new(socket, early, outbox.clone());
    let farewell = select! {
        biased;
        () = outbox.ended.cancelled() => match chat.stopping.is_cancelled() {
            true => Some((CloseCode::Restart, "Server is going away")),
            false => Some((CloseCode::Again, "Slow consumer")),
        },
        farewell = connection.talk(member, chat.ping_interval, chat.idle_timeout) => farewell,
    };
    if let Some((code, reason)) = farewell {
        let close = CloseFrame { code, reason: reason.into() };
        outbox.deliver_last(Frame::close(Some(close)).into());
    }
    let written = timeout(WRITE_TIMEOUT, poll_fn(|cx| outbox.poll_write(cx))).await;
    let mut socket = connection.socket;
    if written.is_ok() {
        // To close a socket with unread input resets it, and the reset may overtake the close
        // frame: so this ends its own side and waits for the client to end the other.
        drop(outbox.take_socket());
        let _ = timeout(LINGER_TIMEOUT, tokio::io::copy(&mut socket, &mut tokio::io::sink())).await;
    } else {
        // A reset frees what the client won't read.
        let _ = socket.as_ref().set_zero_linger();
    }
}

struct Connection {
    socket: OwnedReadHalf,
    websocket: WebSocketContext,
    outbox: Arc<Outbox>,
    heard: Instant,
    /// When it ends unless something is heard until then.
    doubted: Option<Instant>,
}

impl Connection {
    fn new(socket: OwnedReadHalf, early: Vec<u8>, outbox: Arc<Outbox>) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(MESSAGE_BYTES_MAX)
            .max_frame_size(MESSAGE_BYTES_MAX);
        let websocket = WebSocketContext::from_partially_read(early, Role::Server, Some(config));
        Self { socket, websocket, outbox, heard: Instant::now(), doubted: None }
    }

    /// Until there is a reason to end. The member leaves all rooms then.
    async fn talk(&mut self, mut member: Member, ping: Duration, idle: Duration) -> Farewell {
        let mut alarm = pin!(sleep(ping.min(idle)));
        let mut next_ping = self.heard + ping;
        poll_fn(|cx| {
            // What waits is written at the end of each turn, and here only if the socket was full.
            let _ = self.outbox.poll_full(cx);
            if let Poll::Ready(farewell) = self.poll_read(cx, &mut member) {
                return Poll::Ready(farewell);
            }
            while alarm.as_mut().poll(cx).is_ready() {
                let now = Instant::now();
                if now >= next_ping {
                    self.outbox.deliver(Frame::ping("").into());
                    next_ping = now + ping;
                }
                let mut ends = self.heard + idle;
                if now >= ends {
                    ends = *self.doubted.get_or_insert(now + READ_FIRST);
                }
                if now >= ends {
                    return Poll::Ready(Some((CloseCode::Away, "Heartbeat timeout")));
                }
                alarm.as_mut().reset(next_ping.min(ends));
            }
            Poll::Pending
        })
        .await
    }

    /// Serves what has come, as far as it is this connection's turn.
    fn poll_read(&mut self, cx: &mut Context, member: &mut Member) -> Poll<Farewell> {
        for _ in 0..READ_MESSAGES_MAX {
            let mut wire = Wire { socket: &mut self.socket, outbox: &self.outbox, cx };
            let message = self.websocket.read(&mut wire);
            if message.is_ok() {
                (self.heard, self.doubted) = (Instant::now(), None);
            }
            let farewell = match message {
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Poll::Pending;
                }
                Ok(Message::Text(text)) if is_served(member.serve(&text), cx) => {
                    if self.outbox.was_held_back() {
                        break;
                    }
                    continue;
                }
                Ok(Message::Text(_) | Message::Binary(_)) => {
                    Some((CloseCode::Unsupported, "Malformed message"))
                }
                // The library answers a ping by itself, as it does a close, after which it says
                // that the connection is closed.
                Ok(_) => continue,
                // What was wrong is left to its user to say.
                Err(Error::Capacity(_)) => Some((CloseCode::Size, "Message too big")),
                Err(Error::Protocol(_)) => Some((CloseCode::Protocol, "Protocol error")),
                Err(Error::Utf8(_)) => Some((CloseCode::Invalid, "Text is not UTF-8")),
                Err(_) => None,
            };
            return Poll::Ready(farewell);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// What the library reads from and writes to: its own frames go the way of all others.
struct Wire<'a, 'b> {
    socket: &'a mut OwnedReadHalf,
    outbox: &'a Arc<Outbox>,
    cx: &'a mut Context<'b>,
}

impl Read for Wire<'_, '_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(bytes);
        match Pin::new(&mut *self.socket).poll_read(self.cx, &mut buffer) {
            Poll::Ready(read) => read.map(|()| buffer.filled().len()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Wire<'_, '_> {
    fn write(&mut self, frames: &[u8]) -> io::Result<usize> {
        self.outbox.deliver(frames.into());
        Ok(frames.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
