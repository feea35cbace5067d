use std::sync::{
    atomic::{AtomicUsize, Ordering},
    Arc, OnceLock,
};

use tokio::sync::{
    mpsc::{self, UnboundedReceiver, UnboundedSender},
    Notify,
};
use tokio_tungstenite::tungstenite::{
    protocol::{frame::coding::CloseCode, CloseFrame},
    Message,
};

const PENDING_BYTES_MAX: usize = 1 << 20;

/// Where messages wait until a connection has written them. Nobody who delivers ever waits.
pub struct Outbox {
    queue: UnboundedSender<Message>,
    pending_bytes: AtomicUsize,
    farewell: OnceLock<CloseFrame<'static>>,
    evicted: Notify,
}

impl Outbox {
    pub fn new() -> (Arc<Self>, UnboundedReceiver<Message>) {
        let (queue, waiting) = mpsc::unbounded_channel();
        let outbox = Self {
            queue,
            pending_bytes: AtomicUsize::new(0),
            farewell: OnceLock::new(),
            evicted: Notify::new(),
        };
        (Arc::new(outbox), waiting)
    }

    pub fn deliver(&self, text: String) {
        let bytes = text.len();
        if self.pending_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > PENDING_BYTES_MAX {
            self.evict(CloseCode::Again, "Slow consumer");
            return;
        }
        // It fails only once the connection has ended.
        let _ = self.queue.send(Message::Text(text));
    }

    pub fn written(&self, bytes: usize) {
        self.pending_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Ends the connection from outside; the first reason counts.
    pub fn evict(&self, code: CloseCode, reason: &'static str) {
        let _ = self.farewell.set(CloseFrame { code, reason: reason.into() });
        self.evicted.notify_one();
    }

    pub async fn evicted(&self) -> Option<CloseFrame<'static>> {
        self.evicted.notified().await;
        self.farewell.get().cloned()
    }

    /// Puts the close frame behind all that waits.
    pub fn finish(&self, farewell: Option<CloseFrame<'static>>) {
        let _ = self.queue.send(Message::Close(farewell));
    }
}
