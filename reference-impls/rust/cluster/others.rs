//! Variant `cluster`: one of several nodes that Redis joins. Own members are told at once; what is
//! said goes to the channel of its room or user, from which other nodes have it.

use std::sync::{Arc, Weak};
use std::time::Duration;
use std::{env, error::Error};

use serde_json::{json, Value};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::chat::Chat;
use crate::connection::{Encoded, Outbox};
use crate::member::{Member, Refusal, NO_SUCH_USER};
use crate::messages::Event;

#[path = "publisher.rs"]
mod publisher;
#[path = "subscriber.rs"]
mod subscriber;

use publisher::{Publication, Publisher};
use subscriber::{News, Subscriber};

/// For what is said last to leave when the server stops.
const FAREWELL_TIMEOUT: Duration = Duration::from_millis(500);
const UNAVAILABLE: Refusal =
    ("unavailable", "the other nodes may not have it: the backplane is down");

/// Before each publication stand its node's id and, of an announcement, its number.
pub type NodeId = [u8; 8];
pub const HEAD_BYTES: usize = size_of::<NodeId>() + size_of::<u32>();

#[derive(Default)]
pub struct Others {
    publisher: Publisher,
    subscriber: Arc<Subscriber>,
}

/// From here on the node is joined to the others whenever there is Redis.
pub fn start(chat: &Arc<Chat>) -> Result<(), Box<dyn Error>> {
    let url = env::var("CHAT_BACKPLANE").unwrap_or_default();
    let client = redis::Client::open(url.as_str())
        .map_err(|_| format!("CHAT_BACKPLANE is '{url}': give redis://HOST:PORT"))?;
    let Others { publisher, subscriber } = &chat.others;
    publisher.start(client.clone());
    let (told, doubting) = (Arc::downgrade(chat), Arc::downgrade(chat));
    let news = News {
        tell: move |channel: &str, text: String| tell(&told, channel, text),
        lost: move || {
            if let Some(chat) = doubting.upgrade() {
                chat.others.publisher.doubt();
            }
        },
    };
    subscriber.start(client, publisher.node, news);
    Ok(())
}

/// What another node has published.
fn tell(chat: &Weak<Chat>, channel: &str, text: String) {
    let Some(chat) = chat.upgrade() else { return };
    if let Some(user) = channel.strip_prefix(USER) {
        chat.users.tell(user, text.into());
    } else if let Some(room) = channel.strip_prefix(ROOM) {
        chat.rooms.tell(room, text.into());
    }
}

const ROOM: &str = "chat:room:";
const USER: &str = "chat:user:";

fn room_channel(room: &str) -> String {
    format!("{ROOM}{room}")
}

fn user_channel(user: &str) -> String {
    format!("{USER}{user}")
}

impl Others {
    pub fn tell_health(&self, health: &mut Value) {
        health["backplane"] = json!(if self.subscriber.is_up() { "up" } else { "down" });
    }

    /// Its user can be found from other nodes, or there is no Redis to wait for.
    pub async fn arrive(&self, user: &str) {
        let _ = self.subscriber.hold(user_channel(user)).await;
    }

    pub async fn end(&self) {
        let _ = timeout(FAREWELL_TIMEOUT, self.publisher.finished()).await;
    }
}

impl Member {
    /// Once the subscription stands and the news has come back by it: so the member misses nothing
    /// that other nodes say from then on, and hears nothing that they said before.
    pub async fn enter(&self, room: &str, joined: Encoded) {
        let Others { publisher, subscriber } = &self.chat.others;
        let channel = room_channel(room);
        let _ = subscriber.hold(channel.clone()).await;
        let (chat, outbox) = (self.chat.clone(), self.outbox.clone());
        let (name, news) = (room.to_owned(), joined.clone());
        let (settled, settling) = oneshot::channel();
        let announcement = subscriber.announce(move |heard| {
            chat.rooms.add(&name, &outbox, Some(news));
            if !heard {
                refuse(&outbox);
            }
            let _ = settled.send(());
        });
        let (number, listening) = (announcement.number, subscriber.clone());
        publisher.publish(Publication::of(channel, &joined).numbered(number), move |nodes| {
            if nodes.is_none() {
                listening.settle(number, false);
            }
        });
        let _ = settling.await;
    }

    pub fn exit(&self, room: &str, left: Encoded) {
        let Others { publisher, subscriber } = &self.chat.others;
        let channel = room_channel(room);
        let mut publication = Publication::of(channel.clone(), &left);
        self.chat.rooms.remove(room, &self.outbox, Some(left));
        if self.is_leaving {
            // Who hears of it finds nobody by that name.
            publication = publication.after(subscriber.settled(user_channel(&self.user)));
        }
        publisher.publish(publication, self.or_unavailable());
        subscriber.release(channel);
    }

    pub fn publish(&self, room: &str, message: Encoded) {
        let publication = Publication::of(room_channel(room), &message);
        self.chat.others.publisher.publish(publication, self.or_unavailable());
        self.chat.rooms.tell(room, message);
    }

    /// Redis knows how many nodes have somebody of that name, where this one has nobody.
    pub async fn direct(&self, to: &str, message: Encoded) -> Result<(), Refusal> {
        let Others { publisher, subscriber } = &self.chat.others;
        let publication = Publication::of(user_channel(to), &message);
        if self.chat.users.tell(to, message) {
            publisher.publish(publication, self.or_unavailable());
            return Ok(());
        }
        let (answer, answered) = oneshot::channel();
        // Who comes here meanwhile is counted, so it has to be told as well.
        let publication = publication.for_everyone().after(subscriber.settled(user_channel(to)));
        publisher.publish(publication, move |nodes| {
            let _ = answer.send(nodes);
        });
        match answered.await.ok().flatten() {
            Some(0) => Err(NO_SUCH_USER),
            Some(_) => Ok(()),
            None => Err(UNAVAILABLE),
        }
    }

    pub fn depart(&self) {
        self.chat.others.subscriber.release(user_channel(&self.user));
    }

    /// What is done with the answer of Redis: none where it can't be known that it has left.
    fn or_unavailable(&self) -> impl FnOnce(Option<u64>) + Send + 'static {
        let outbox = self.outbox.clone();
        move |nodes| {
            if nodes.is_none() {
                refuse(&outbox);
            }
        }
    }
}

fn refuse(outbox: &Outbox) {
    let (code, message) = UNAVAILABLE;
    outbox.deliver(Event::Error { code, message }.encode());
}
