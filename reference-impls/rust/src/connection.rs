use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{self, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{interval_at, sleep, timeout, Instant};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::WebSocketStream;

use crate::chat::{Chat, Outbox};
use crate::member::Member;

const MESSAGE_BYTES_MAX: Option<usize> = Some(65_536);
const BATCH_MESSAGES_MAX: usize = 64;
/// For a close frame to leave, and again for the client to end its side.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A process that stood still may hear of its timers before it hears of its sockets.
const READ_FIRST: Duration = Duration::from_millis(100);

type Socket = WebSocketStream<TcpStream>;
/// None if the client has ended the connection.
type Farewell = Option<(CloseCode, &'static str)>;

/// Serves one client until it ends; `early` came together with the upgrade request.
pub async fn serve(tcp: TcpStream, early: Vec<u8>, user: String, chat: Arc<Chat>) {
    let mut config = WebSocketConfig::default();
    (config.max_message_size, config.max_frame_size) = (MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX);
    #[cfg(feature = "tuned")]
    {
        config.read_buffer_size = 4_096;
        let _ = tcp.set_nodelay(true);
    }
    let socket = Socket::from_partially_read(tcp, early, Role::Server, Some(config)).await;
    let (mut sink, mut stream) = socket.split();
    let (outbox, waiting) = Outbox::new(&chat.stopping);
    let member = Member::new(&chat, user, &outbox);
    let reading = async {
        let farewell = select! {
            farewell = read(&mut stream, member, chat.idle_timeout) => farewell,
            () = outbox.ended.cancelled() => match chat.stopping.is_cancelled() {
                true => Some((CloseCode::Restart, "Server is going away")),
                false => Some((CloseCode::Again, "Slow consumer")),
            },
        };
        let frame = farewell.map(|(code, reason)| CloseFrame { code, reason: reason.into() });
        let _ = outbox.queue.send(Message::Close(frame));
        sleep(CLOSE_TIMEOUT).await;
    };
    // The writer goes first: who asks without a pause shall not outrun the answers.
    let written = select! {
        biased;
        _ = write(&mut sink, waiting, &outbox, chat.ping_interval) => true,
        () = reading => false,
    };
    let mut socket = sink.reunite(stream).expect("two halves of one socket");
    let tcp = socket.get_mut();
    if written {
        // To close a socket with unread input resets it, and the reset may overtake the close
        // frame: so this waits for the client to end its side.
        let _ = tcp.shutdown().await;
        let _ = timeout(CLOSE_TIMEOUT, io::copy(tcp, &mut io::sink())).await;
    } else {
        // A reset frees what the client won't read.
        let _ = tcp.set_linger(Some(Duration::ZERO));
    }
}

/// Serves what the client sends until there is a reason to end, and leaves all rooms.
async fn read(stream: &mut SplitStream<Socket>, mut member: Member, idle: Duration) -> Farewell {
    loop {
        let next = match timeout(idle, stream.next()).await {
            Ok(next) => next,
            Err(_) => match timeout(READ_FIRST, stream.next()).await {
                Ok(next) => next,
                Err(_) => return Some((CloseCode::Away, "Heartbeat timeout")),
            },
        };
        match next {
            Some(Ok(Message::Text(text))) if member.serve(&text).is_ok() => {}
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

/// Writes what waits in the outbox, as much as there is at a time, up to the close frame.
async fn write(
    sink: &mut SplitSink<Socket, Message>,
    mut waiting: UnboundedReceiver<Message>,
    outbox: &Outbox,
    ping_interval: Duration,
) -> Result<(), Error> {
    let mut ping = interval_at(Instant::now() + ping_interval, ping_interval);
    let mut batch = Vec::new();
    let mut open = true;
    while open {
        select! {
            _ = waiting.recv_many(&mut batch, BATCH_MESSAGES_MAX) => {}
            _ = ping.tick() => batch.push(Message::Ping(Default::default())),
        }
        open = !matches!(batch.last(), Some(Message::Close(_)));
        let bytes = batch.iter().map(Message::len).sum();
        for message in batch.drain(..) {
            sink.feed(message).await?;
        }
        sink.flush().await?;
        outbox.written(bytes);
    }
    Ok(())
}
