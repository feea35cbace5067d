use std::{collections::HashSet, sync::Arc, time::Duration};

use dashmap::DashMap;
use serde_json::Value;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{connection::Outbox, connection::Rooms, messages::now, messages::Event};

/// What all connections share.
#[derive(Default)]
pub struct Chat {
    pub users: Groups,
    pub rooms: Rooms,
    pub connections: TaskTracker,
    pub stopping: CancellationToken,
    pub ping_interval: Duration,
    pub idle_timeout: Duration,
}

impl Chat {
    /// Nobody can find this connection before it has its welcome, so that comes first.
    pub async fn arrive(&self, user: &str, outbox: &Arc<Outbox>) {
        outbox.deliver(Event::Welcome { user }.encode());
        self.users.add(user, outbox, None).await;
    }

    /// Who hears that a user has left finds nobody by that name.
    pub fn depart(&self, user: &str, outbox: &Arc<Outbox>, rooms: &HashSet<String>) {
        self.users.remove(user, outbox, None);
        for room in rooms {
            let event = Event::UserLeft { room, user, timestamp: now() };
            self.rooms.remove(room, outbox, Some(&event));
        }
    }

    /// There are no other nodes: all variants but `cluster`.
    pub fn tell_health(&self, _: &mut Value) {}
}

/// Connections by name: those of each user, or the members of each room. (`tuned` keeps more of a
/// room.)
#[derive(Default)]
pub struct Groups(DashMap<String, Vec<Arc<Outbox>>>);

impl Groups {
    /// All hear the news, and the new one nothing before them.
    pub async fn add(&self, name: &str, outbox: &Arc<Outbox>, news: Option<&Event<'_>>) {
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
    pub async fn tell(&self, name: &str, event: &Event<'_>, _from: &Arc<Outbox>) -> bool {
        self.0.get(name).map(|group| fan_out(&group, Some(event))).is_some()
    }
}

fn fan_out(group: &[Arc<Outbox>], event: Option<&Event>) {
    if let Some(message) = event.map(Event::encode) {
        group.iter().for_each(|outbox| outbox.deliver(message.clone()));
    }
}
