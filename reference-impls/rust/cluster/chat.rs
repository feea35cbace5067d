//! Variant `cluster`: one of several nodes that Redis joins. Own members are told at once; what is
//! said goes to the channel of its room or user, from which other nodes have it.

use std::sync::{Arc, Weak};
use std::{collections::HashSet, env, process, time::Duration};

use dashmap::DashMap;
use serde_json::{json, Value};
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::connection::{Encoded, Outbox};
use crate::messages::{now, Event};

#[path = "publisher.rs"]
mod publisher;
#[path = "subscriber.rs"]
mod subscriber;

use publisher::{Publication, Publisher};
use subscriber::{News, Subscriber};

/// Before each publication stand its node's id and, of an announcement, its number.
pub type NodeId = [u8; 8];
pub const HEAD_BYTES: usize = size_of::<NodeId>() + size_of::<u32>();

const ROOM: &str = "chat:room:";
const USER: &str = "chat:user:";

/// What all connections share.
pub struct Chat {
    pub users: Groups,
    pub rooms: Groups,
    pub connections: TaskTracker,
    pub stopping: CancellationToken,
    pub ping_interval: Duration,
    pub idle_timeout: Duration,
    pub others: Arc<Others>,
}

/// What goes to the other nodes, and comes from them.
pub struct Others {
    publisher: Publisher,
    subscriber: Arc<Subscriber>,
}

/// Connections by name, on this node: those of each user, or the members of each room.
type Members = DashMap<String, Vec<Arc<Outbox>>>;

/// The same on all nodes, by the channel of each name.
pub struct Groups {
    kind: &'static str,
    here: Arc<Members>,
    others: Arc<Others>,
}

/// From here on the node is joined to the others whenever there is Redis.
impl Default for Chat {
    fn default() -> Self {
        let url = env::var("CHAT_BACKPLANE").unwrap_or_default();
        let client = redis::Client::open(url.as_str()).unwrap_or_else(|_| {
            eprintln!("CHAT_BACKPLANE is '{url}': give redis://HOST:PORT");
            process::exit(1)
        });
        let (publisher, subscriber) = (Publisher::default(), Arc::default());
        publisher.start(client.clone());
        let others = Arc::new(Others { publisher, subscriber });
        let (users, rooms) = (Arc::<Members>::default(), Arc::<Members>::default());
        let (told_users, told_rooms) = (users.clone(), rooms.clone());
        let doubting: Weak<Others> = Arc::downgrade(&others);
        let news = News {
            tell: move |channel: &str, text: String| {
                if let Some(user) = channel.strip_prefix(USER) {
                    fan_out(&told_users, user, &text.into());
                } else if let Some(room) = channel.strip_prefix(ROOM) {
                    fan_out(&told_rooms, room, &text.into());
                }
            },
            lost: move || {
                if let Some(others) = doubting.upgrade() {
                    others.publisher.doubt();
                }
            },
        };
        others.subscriber.start(client, others.publisher.node, news);
        Self {
            users: Groups { kind: USER, here: users, others: others.clone() },
            rooms: Groups { kind: ROOM, here: rooms, others: others.clone() },
            connections: TaskTracker::new(),
            stopping: CancellationToken::new(),
            ping_interval: Duration::ZERO,
            idle_timeout: Duration::ZERO,
            others,
        }
    }
}

impl Chat {
    /// Its user can be found from other nodes once the welcome comes.
    pub async fn arrive(&self, user: &str, outbox: &Arc<Outbox>) {
        let _ = self.others.subscriber.hold(self.users.channel(user)).await;
        outbox.deliver(Event::Welcome { user }.encode());
        self.users.here.entry(user.into()).or_default().push(outbox.clone());
    }

    /// Who hears that a user has left finds nobody by that name, on any node.
    pub fn depart(&self, user: &str, outbox: &Arc<Outbox>, rooms: &HashSet<String>) {
        let Others { publisher, subscriber } = &*self.others;
        let channel = self.users.channel(user);
        take_out(&self.users.here, user, outbox);
        subscriber.release(channel.clone());
        for room in rooms {
            let left = Event::UserLeft { room, user, timestamp: now() }.encode();
            take_out(&self.rooms.here, room, outbox);
            fan_out(&self.rooms.here, room, &left);
            let publication = Publication::of(self.rooms.channel(room), &left);
            publisher.publish(publication.after(subscriber.settled(channel.clone())), |_| {});
            subscriber.release(self.rooms.channel(room));
        }
        if self.stopping.is_cancelled() {
            let others = self.others.clone();
            self.connections.spawn(async move { others.publisher.finished().await });
        }
    }

    pub fn tell_health(&self, health: &mut Value) {
        let up = self.others.subscriber.is_up();
        health["backplane"] = json!(if up { "up" } else { "down" });
    }
}

impl Groups {
    fn channel(&self, name: &str) -> String {
        format!("{}{name}", self.kind)
    }

    /// Once the subscription stands and the news has come back by it: so the new one misses nothing
    /// that other nodes say from then on, and hears nothing that they said before.
    pub async fn add(&self, name: &str, outbox: &Arc<Outbox>, news: Option<&Event<'_>>) {
        let Others { publisher, subscriber } = &*self.others;
        let _ = subscriber.hold(self.channel(name)).await;
        let Some(joined) = news.map(Event::encode) else { return };
        let publication = Publication::of(self.channel(name), &joined);
        let (here, name, outbox) = (self.here.clone(), name.to_owned(), outbox.clone());
        let (settled, settling) = oneshot::channel();
        let announcement = subscriber.announce(move |heard| {
            here.entry(name.clone()).or_default().push(outbox.clone());
            fan_out(&here, &name, &joined);
            if !heard {
                refuse(&outbox);
            }
            let _ = settled.send(());
        });
        let (number, listening) = (announcement.number, subscriber.clone());
        publisher.publish(publication.numbered(number), move |nodes| {
            if nodes.is_none() {
                listening.settle(number, false);
            }
        });
        let _ = settling.await;
    }

    /// Only those who are left hear the news.
    pub fn remove(&self, name: &str, outbox: &Arc<Outbox>, news: Option<&Event>) {
        take_out(&self.here, name, outbox);
        if let Some(left) = news.map(Event::encode) {
            fan_out(&self.here, name, &left);
            let publication = Publication::of(self.channel(name), &left);
            self.others.publisher.publish(publication, or_unavailable(outbox));
        }
        self.others.subscriber.release(self.channel(name));
    }

    /// False if there is nobody by that name, on any node. `from` is told what may not have left.
    pub async fn tell(&self, name: &str, event: &Event<'_>, from: &Arc<Outbox>) -> bool {
        let Others { publisher, subscriber } = &*self.others;
        let message = event.encode();
        let publication = Publication::of(self.channel(name), &message);
        if fan_out(&self.here, name, &message) {
            publisher.publish(publication, or_unavailable(from));
            return true;
        }
        let (answer, answered) = oneshot::channel();
        // Who comes here meanwhile is counted, so it has to be told as well.
        let publication = publication.for_everyone().after(subscriber.settled(self.channel(name)));
        publisher.publish(publication, move |nodes| {
            let _ = answer.send(nodes);
        });
        let nodes = answered.await.ok().flatten();
        if nodes.is_none() {
            refuse(from);
        }
        nodes != Some(0)
    }
}

/// False if there is nobody by that name.
fn fan_out(here: &Members, name: &str, message: &Encoded) -> bool {
    let Some(group) = here.get(name) else { return false };
    group.iter().for_each(|outbox| outbox.deliver(message.clone()));
    true
}

fn take_out(here: &Members, name: &str, outbox: &Arc<Outbox>) {
    here.remove_if_mut(name, |_, group| {
        group.retain(|other| !Arc::ptr_eq(other, outbox));
        group.is_empty()
    });
}

/// What is done with Redis's answer: none where it can't be known that it has left.
fn or_unavailable(outbox: &Arc<Outbox>) -> impl FnOnce(Option<u64>) + Send + 'static {
    let outbox = outbox.clone();
    move |nodes| {
        if nodes.is_none() {
            refuse(&outbox);
        }
    }
}

fn refuse(outbox: &Outbox) {
    let message = "the other nodes may not have it: the backplane is down";
    outbox.deliver(Event::Error { code: "unavailable", message }.encode());
}
