use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{
    stream::{SplitSink, SplitStream},
    SinkExt, StreamExt,
};
use tokio::{
    net::TcpStream,
    select,
    sync::mpsc::UnboundedReceiver,
    time::{interval_at, timeout, timeout_at, Instant},
};
use tokio_tungstenite::{
    tungstenite::{
        error::ProtocolError,
        protocol::{frame::coding::CloseCode, CloseFrame, Role, WebSocketConfig},
        Error, Message,
    },
    WebSocketStream,
};

use crate::{
    http::Chat,
    outbox::Outbox,
    requests::Member,
    transport::{Heard, Transport},
};

const MESSAGE_BYTES_MAX: usize = 65_536;
const BATCH_MESSAGES_MAX: usize = 64;
/// For a close frame to leave, and again for the client to end its side.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<Transport>;
type Farewell = Option<CloseFrame<'static>>;

/// Serves one client until it ends; `early` came together with the upgrade request.
pub async fn serve(tcp: TcpStream, early: Vec<u8>, user: String, chat: &Arc<Chat>) {
    let (transport, heard) = Transport::new(tcp);
    let config = WebSocketConfig {
        max_message_size: Some(MESSAGE_BYTES_MAX),
        max_frame_size: Some(MESSAGE_BYTES_MAX),
        ..WebSocketConfig::default()
    };
    let socket = Socket::from_partially_read(transport, early, Role::Server, Some(config)).await;
    let (mut sink, mut stream) = socket.split();
    let settings = &chat.settings;
    let (outbox, waiting) = Outbox::new();
    let member = Member::new(chat, user, &outbox);
    let written = {
        let mut writing = pin!(write(&mut sink, waiting, &outbox, settings.ping_interval));
        let reading = async {
            let farewell = select! {
                farewell = read(&mut stream, member, &heard, settings.idle_timeout) => farewell,
                farewell = outbox.evicted() => farewell,
            };
            outbox.finish(farewell);
        };
        // The writer goes first: who asks without a pause shall not outrun the answers.
        select! {
            biased;
            () = &mut writing => true,
            () = reading => timeout(CLOSE_TIMEOUT, writing).await.is_ok(),
        }
    };
    let mut socket = sink.reunite(stream).expect("two halves of one socket");
    if written {
        socket.get_mut().linger(CLOSE_TIMEOUT).await;
    } else {
        socket.get_mut().reset();
    }
}

/// Serves what the client sends until there is a reason to end, and leaves all rooms.
async fn read(
    stream: &mut SplitStream<Socket>,
    mut member: Member,
    heard: &Heard,
    idle_timeout: Duration,
) -> Farewell {
    loop {
        let idle_until = *heard.lock() + idle_timeout;
        let Ok(next) = timeout_at(idle_until, stream.next()).await else {
            if idle_until < *heard.lock() + idle_timeout {
                continue;
            }
            return farewell(CloseCode::Away, "Heartbeat timeout");
        };
        match next {
            Some(Ok(Message::Text(text))) if member.serve(&text) => {}
            Some(Ok(Message::Text(_) | Message::Binary(_))) => {
                return farewell(CloseCode::Unsupported, "Malformed message");
            }
            // The library answers a close by itself, as it does a ping.
            Some(Ok(Message::Close(_))) | None => return None,
            Some(Ok(_)) => {}
            Some(Err(error)) => return farewell_after(&error),
        }
    }
}

fn farewell(code: CloseCode, reason: &'static str) -> Farewell {
    Some(CloseFrame { code, reason: reason.into() })
}

/// The library leaves it to its user to say what was wrong.
fn farewell_after(error: &Error) -> Farewell {
    match error {
        Error::Capacity(_) => farewell(CloseCode::Size, "Message too big"),
        Error::Utf8 => farewell(CloseCode::Invalid, "Text is not UTF-8"),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => farewell(CloseCode::Protocol, "Protocol error"),
        _ => None,
    }
}

/// Writes what waits in the outbox, as much as there is at a time, up to the close frame.
async fn write(
    sink: &mut SplitSink<Socket, Message>,
    mut waiting: UnboundedReceiver<Message>,
    outbox: &Outbox,
    ping_interval: Duration,
) {
    let mut ping = interval_at(Instant::now() + ping_interval, ping_interval);
    let mut batch = Vec::new();
    let mut open = true;
    while open {
        select! {
            _ = waiting.recv_many(&mut batch, BATCH_MESSAGES_MAX) => {}
            _ = ping.tick() => batch.push(Message::Ping(Vec::new())),
        }
        let bytes = batch.iter().map(Message::len).sum();
        open = !matches!(batch.last(), Some(Message::Close(_)));
        open &= send(sink, &mut batch).await.is_ok();
        outbox.written(bytes);
    }
    // An answer to the client's own close may still wait in the library.
    let _ = sink.close().await;
}

async fn send(
    sink: &mut SplitSink<Socket, Message>,
    batch: &mut Vec<Message>,
) -> Result<(), Error> {
    for message in batch.drain(..) {
        sink.feed(message).await?;
    }
    sink.flush().await
}
