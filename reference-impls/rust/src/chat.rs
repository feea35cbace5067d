use std::{sync::Arc, time::Duration};

use dashmap::DashMap;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::connection::{Encoded, Outbox};
use crate::others::Others;

/// What all connections share.
#[derive(Default)]
pub struct Chat {
    pub users: Groups,
    pub rooms: Groups,
    pub others: Others,
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
    pub fn add(&self, name: &str, outbox: &Arc<Outbox>, news: Option<Encoded>) {
        let mut group = self.0.entry(name.into()).or_default();
        group.push(outbox.clone());
        fan_out(&group, news);
    }

    /// Only those who are left hear the news.
    pub fn remove(&self, name: &str, outbox: &Arc<Outbox>, news: Option<Encoded>) {
        self.0.remove_if_mut(name, |_, group| {
            group.retain(|other| !Arc::ptr_eq(other, outbox));
            fan_out(group, news);
            group.is_empty()
        });
    }

    /// False if there is nobody by that name.
    pub fn tell(&self, name: &str, message: Encoded) -> bool {
        let Some(group) = self.0.get(name) else { return false };
        fan_out(&group, Some(message));
        true
    }
}

fn fan_out(group: &[Arc<Outbox>], message: Option<Encoded>) {
    if let Some(message) = message {
        group.iter().for_each(|outbox| outbox.deliver(message.clone()));
    }
}
