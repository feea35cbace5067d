use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::messages::Event;

const PENDING_BYTES_MAX: usize = 1 << 20;

/// What all connections share.
#[derive(Default)]
pub struct Chat {
    pub users: Groups,
    pub rooms: Groups,
    pub connections: TaskTracker,
    pub stopping: CancellationToken,
    pub ping_interval: Duration,
    pub idle_timeout: Duration,
}

/// Connections by name: those of each user, or the members of each room.
#[derive(Default)]
pub struct Groups(DashMap<String, Vec<Arc<Outbox>>>);

impl Groups {
    /// All hear the news, and the new one nothing before them.
    pub fn add(&self, name: &str, outbox: &Arc<Outbox>, news: Option<&Event>) {
        let mut group = self.0.entry(name.into()).or_default();
        group.push(outbox.clone());
        fan_out(&group, news);
    }

    /// Only those who are left hear the news.
    pub fn remove(&self, name: &str, outbox: &Arc<Outbox>, news: Option<&Event>) {
        self.0.remove_if_mut(name, |_, group| {
            group.retain(|other| !Arc::ptr_eq(other, outbox));
            fan_out(group, news);
            group.is_empty()
        });
    }

    /// False if there is nobody by that name.
    pub fn tell(&self, name: &str, event: &Event) -> bool {
        let Some(group) = self.0.get(name) else { return false };
        fan_out(&group, Some(event));
        true
    }
}

/// A message of tungstenite 0.21 owns its text: every member gets a copy. Of the version that the
/// tuned variant has, they share one text.
fn fan_out(group: &[Arc<Outbox>], event: Option<&Event>) {
    if let Some(message) = event.map(Event::encode) {
        group.iter().for_each(|outbox| outbox.deliver(message.clone()));
    }
}

/// Where messages wait until a connection has written them. Nobody who delivers ever waits.
pub struct Outbox {
    pub queue: UnboundedSender<Message>,
    pending_bytes: AtomicUsize,
    /// Too much waits, or the server stops.
    pub ended: CancellationToken,
}

impl Outbox {
    pub fn new(stopping: &CancellationToken) -> (Arc<Self>, UnboundedReceiver<Message>) {
        let (queue, waiting) = mpsc::unbounded_channel();
        let ended = stopping.child_token();
        (Arc::new(Self { queue, pending_bytes: AtomicUsize::new(0), ended }), waiting)
    }

    pub fn deliver(&self, message: Message) {
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
    }
}
