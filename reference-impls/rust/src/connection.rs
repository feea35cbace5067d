use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{stream, SinkExt, StreamExt};
use tokio::io::{self, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::Notify;
use tokio::time::{interval_at, sleep, timeout, Instant};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::WebSocketStream;
use tokio_util::sync::CancellationToken;

use crate::{chat::Chat, member::Member};

const MESSAGE_BYTES_MAX: Option<usize> = Some(65_536);
const PENDING_BYTES_MAX: usize = 1 << 20;
const BATCH_MESSAGES_MAX: usize = 64;
/// For what waits and a close frame to leave, and then for the client to end its side: a stop has
/// four seconds for both.
const WRITE_TIMEOUT: Duration = Duration::from_millis(2_000);
const LINGER_TIMEOUT: Duration = Duration::from_millis(1_500);
/// A process that stood still may hear of its timers before it hears of its sockets.
const READ_FIRST: Duration = Duration::from_millis(100);

type Socket = WebSocketStream<TcpStream>;
/// None if the client has ended the connection.
type Farewell = Option<(CloseCode, &'static str)>;

/// Serves one client until it ends; `early` came together with the upgrade request.
pub async fn serve(tcp: TcpStream, early: Vec<u8>, user: String, chat: Arc<Chat>) {
    let mut config = WebSocketConfig::default();
    (config.max_message_size, config.max_frame_size) = (MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX);
    // Of pongs beyond it tungstenite keeps the newest; by default it keeps all.
    config.max_write_buffer_size = PENDING_BYTES_MAX;
    #[cfg(not(feature = "article"))]
    {
        // As tungstenite's documentation advises for many connections.
        config.read_buffer_size = 4_096;
        let _ = tcp.set_nodelay(true);
    }
    #[cfg(feature = "sockets")]
    crate::sockets::settings().apply(&mut config, &tcp);
    let socket = Socket::from_partially_read(tcp, early, Role::Server, Some(config)).await;
    let (mut sink, mut stream) = socket.split();
    let (outbox, waiting) = Outbox::new(&chat.stopping);
    let member = Member::new(&chat, user, &outbox).await;
    let reading = async {
        let farewell = tokio::select! {
            farewell = read(&mut stream, member, &outbox, chat.idle_timeout) => farewell,
            () = outbox.ended.cancelled() => match chat.stopping.is_cancelled() {
                true => Some((CloseCode::Restart, "Server is going away")),
                false => Some((CloseCode::Again, "Slow consumer")),
            },
        };
        let frame = farewell.map(|(code, reason)| CloseFrame { code, reason: reason.into() });
        let _ = outbox.queue.send(Message::Close(frame));
        sleep(WRITE_TIMEOUT).await;
    };
    // The writer goes first: who asks without a pause shall not outrun the answers.
    let written = tokio::select! {
        biased;
        () = write(&mut sink, waiting, &outbox, chat.ping_interval) => true,
        () = reading => false,
    };
    let mut socket = sink.reunite(stream).expect("two halves of one socket");
    let tcp = socket.get_mut();
    if written {
        // To close a socket with unread input resets it, and the reset may overtake the close
        // frame: so this waits for the client to end its side.
        let _ = tcp.shutdown().await;
        let _ = timeout(LINGER_TIMEOUT, io::copy(tcp, &mut io::sink())).await;
    } else {
        // A reset frees what the client won't read.
        // tokio 1.38 has no other name for it.
        #[allow(deprecated)]
        let _ = tcp.set_linger(Some(Duration::ZERO));
    }
}

/// Serves what the client sends until there is a reason to end, and leaves all rooms.
async fn read(
    stream: &mut stream::SplitStream<Socket>,
    mut member: Member,
    outbox: &Outbox,
    idle: Duration,
) -> Farewell {
    loop {
        let mut heard = timeout(idle, stream.next()).await;
        if heard.is_err() {
            heard = timeout(READ_FIRST, stream.next()).await;
        }
        let Ok(next) = heard else { return Some((CloseCode::Away, "Heartbeat timeout")) };
        match next {
            Some(Ok(Message::Text(text))) if member.serve(&text).await.is_ok() => {
                // Once tungstenite has read the client's end it writes nothing any more.
                if timeout(idle, outbox.caught_up()).await.is_err() {
                    return Some((CloseCode::Again, "Slow consumer"));
                }
            }
            Some(Ok(Message::Text(_) | Message::Binary(_))) => {
                return Some((CloseCode::Unsupported, "Malformed message"));
            }
            // The library answers a ping by itself, as it does a close, after which nothing comes.
            Some(Ok(_)) => {}
            // What was wrong is left to its user to say.
            Some(Err(Error::Capacity(_))) => return Some((CloseCode::Size, "Message too big")),
            Some(Err(Error::Protocol(_))) => return Some((CloseCode::Protocol, "Protocol error")),
            Some(Err(Error::Io(_))) | None => return None,
            // Reading knows no other error.
            Some(Err(_)) => return Some((CloseCode::Invalid, "Text is not UTF-8")),
        }
    }
}

/// Writes what waits in the outbox, as much as there is at a time, up to the close frame. If that
/// fails it throws away the rest: what the client sent before it left is there to be read.
async fn write(
    sink: &mut stream::SplitSink<Socket, Message>,
    mut waiting: UnboundedReceiver<Message>,
    outbox: &Outbox,
    ping_interval: Duration,
) {
    let mut ping = interval_at(Instant::now() + ping_interval, ping_interval);
    let mut batch = Vec::new();
    let (mut open, mut failed) = (true, false);
    while open {
        tokio::select! {
            _ = waiting.recv_many(&mut batch, BATCH_MESSAGES_MAX) => {}
            _ = ping.tick() => batch.push(Message::Ping(Default::default())),
        }
        open = !matches!(batch.last(), Some(Message::Close(_)));
        let bytes = batch.iter().map(Message::len).sum();
        for message in batch.drain(..) {
            let fed = if failed { Ok(()) } else { sink.feed(message).await };
            if let Err(Error::WriteBufferFull(_)) = fed {
                outbox.ended.cancel();
            }
            failed = failed || fed.is_err();
        }
        failed = failed || sink.flush().await.is_err();
        outbox.written(bytes);
    }
}

/// `tuned` has a type of its own for them, as `cluster` has.
#[cfg(not(feature = "cluster"))]
pub type Rooms = crate::chat::Groups;

/// What all who are told the same get a clone of. Clones share their text, but not those of
/// tungstenite 0.21, whose messages own it.
pub type Encoded = Message;

/// Where messages wait until a connection has written them. Nobody who delivers ever waits.
pub struct Outbox {
    pub queue: UnboundedSender<Message>,
    pending_bytes: AtomicUsize,
    written_bytes: AtomicUsize,
    progress: Notify,
    /// Too much waits, or the server stops.
    pub ended: CancellationToken,
}

impl Outbox {
    pub fn new(stopping: &CancellationToken) -> (Arc<Self>, UnboundedReceiver<Message>) {
        let (queue, waiting) = mpsc::unbounded_channel();
        let ended = stopping.child_token();
        let (pending_bytes, written_bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let progress = Notify::new();
        (Arc::new(Self { queue, pending_bytes, written_bytes, progress, ended }), waiting)
    }

    pub fn deliver(&self, message: Encoded) {
        let bytes = message.len();
        if self.pending_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > PENDING_BYTES_MAX {
            self.ended.cancel();
        } else {
            // It fails only once the connection has ended.
            let _ = self.queue.send(message);
        }
    }

    pub fn written(&self, bytes: usize) {
        self.pending_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.written_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.progress.notify_one();
    }

    /// Once all is written that waits now. One task at a time may ask.
    pub async fn caught_up(&self) {
        let pending = self.pending_bytes.load(Ordering::Relaxed);
        let due = self.written_bytes.load(Ordering::Relaxed) + pending;
        while self.written_bytes.load(Ordering::Relaxed) < due {
            self.progress.notified().await;
        }
    }
}
