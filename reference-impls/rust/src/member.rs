use std::{collections::HashSet, sync::Arc};

use crate::chat::Chat;
use crate::connection::Outbox;
use crate::faults;
use crate::messages::{is_name, now, parse, Event, Request};

const ROOMS_MAX: usize = 64;

/// The code and the message of an error.
type Refusal = (&'static str, &'static str);

const NO_TYPE: Refusal = ("bad_request", "type: give a string");
const NO_NAME: Refusal = ("bad_request", "room, to: give a name of 1 to 64 bytes");
const NO_CONTENT: Refusal = ("bad_request", "content: give a string");
const NOT_JOINED: Refusal = ("not_joined", "join the room first");
const TOO_MANY_ROOMS: Refusal = ("too_many_rooms", "a connection can be in 64 rooms");
const NO_SUCH_USER: Refusal = ("no_such_user", "nobody by that name is connected");

/// What one connection may ask for, and where it is. Dropping it takes it out of everywhere.
pub struct Member {
    chat: Arc<Chat>,
    user: String,
    outbox: Arc<Outbox>,
    rooms: HashSet<String>,
}

impl Member {
    pub async fn new(chat: &Arc<Chat>, user: String, outbox: &Arc<Outbox>) -> Self {
        chat.arrive(&user, outbox).await;
        Self { chat: chat.clone(), user, outbox: outbox.clone(), rooms: HashSet::new() }
    }

    /// Serves one message, unless it is not JSON.
    pub async fn serve(&mut self, text: &str) -> serde_json::Result<()> {
        let request: Request = parse(text)?;
        if let Err((code, message)) = self.answer(&request).await {
            self.outbox.deliver(Event::Error { code, message }.encode());
        }
        Ok(())
    }

    async fn answer(&mut self, request: &Request<'_>) -> Result<(), Refusal> {
        match request.kind.as_str().ok_or(NO_TYPE)? {
            "join" => self.join(name(request.room.as_str())?).await?,
            "leave" => {
                let room = self.rooms.take(name(request.room.as_str())?).ok_or(NOT_JOINED)?;
                let event = Event::UserLeft { room: &room, user: &self.user, timestamp: now() };
                self.chat.rooms.remove(&room, &self.outbox, Some(&event));
            }
            "message" => {
                let room = name(request.room.as_str())?;
                let content = request.content.as_str().ok_or(NO_CONTENT)?;
                self.rooms.get(room).ok_or(NOT_JOINED)?;
                let event = Event::Message { room, user: &self.user, content, timestamp: now() };
                self.chat.rooms.tell(room, &event, &self.outbox).await;
            }
            "direct" => {
                let to = name(request.to.as_str())?;
                let content = request.content.as_str().ok_or(NO_CONTENT)?;
                let event = Event::Direct { user: &self.user, content, timestamp: now() };
                let found = self.chat.users.tell(to, &event, &self.outbox).await;
                found.then_some(()).ok_or(NO_SUCH_USER)?;
            }
            "heartbeat" => self.outbox.deliver(Event::Heartbeat { timestamp: now() }.encode()),
            kind => faults::commit(kind, &request.ms, &self.outbox),
        }
        Ok(())
    }

    async fn join(&mut self, room: &str) -> Result<(), Refusal> {
        let event = Event::UserJoined { room, user: &self.user, timestamp: now() };
        if self.rooms.contains(room) {
            self.outbox.deliver(event.encode());
        } else if self.rooms.len() >= ROOMS_MAX {
            return Err(TOO_MANY_ROOMS);
        } else {
            self.rooms.insert(room.into());
            self.chat.rooms.add(room, &self.outbox, Some(&event)).await;
        }
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.chat.depart(&self.user, &self.outbox, &self.rooms);
    }
}

fn name(field: Option<&str>) -> Result<&str, Refusal> {
    field.filter(|name| is_name(name)).ok_or(NO_NAME)
}
