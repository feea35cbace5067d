use std::{collections::HashMap, sync::Arc};

use crate::{
    http::Chat,
    hub::Room,
    messages::{now, Event, Failure, Request},
    outbox::Outbox,
};

const ROOMS_MAX: usize = 64;

/// What one connection may ask for, and where it is. Dropping it takes it out of everywhere.
pub struct Member {
    chat: Arc<Chat>,
    user: String,
    outbox: Arc<Outbox>,
    rooms: HashMap<String, Arc<Room>>,
}

impl Member {
    pub fn new(chat: &Arc<Chat>, user: String, outbox: &Arc<Outbox>) -> Self {
        // Nobody can find this connection before it has its welcome, so that comes first.
        outbox.deliver(Event::Welcome { user: &user }.encode());
        chat.hub.add(&user, outbox);
        Self { chat: chat.clone(), user, outbox: outbox.clone(), rooms: HashMap::new() }
    }

    /// Serves one message; false if it is malformed.
    pub fn serve(&mut self, text: &str) -> bool {
        match Request::parse(text).and_then(|request| self.answer(&request)) {
            Ok(()) => true,
            Err(Failure::Malformed) => false,
            Err(Failure::Refused { code, message }) => {
                self.outbox.deliver(Event::Error { code, message }.encode());
                true
            }
        }
    }

    fn answer(&mut self, request: &Request) -> Result<(), Failure> {
        match request.kind()?.as_ref() {
            "join" => self.join(&request.room()?),
            "leave" => self.leave(&request.room()?),
            "message" => self.message(request),
            "direct" => self.direct(request),
            "heartbeat" => {
                self.outbox.deliver(Event::Heartbeat { timestamp: now() }.encode());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn join(&mut self, name: &str) -> Result<(), Failure> {
        if self.rooms.contains_key(name) {
            let event = Event::UserJoined { room: name, user: &self.user, timestamp: now() };
            self.outbox.deliver(event.encode());
        } else if self.rooms.len() >= ROOMS_MAX {
            let message = "a connection can be in 64 rooms";
            return Err(Failure::Refused { code: "too_many_rooms", message });
        } else {
            let room = self.chat.hub.join(name, &self.user, &self.outbox);
            self.rooms.insert(name.into(), room);
        }
        Ok(())
    }

    fn leave(&mut self, name: &str) -> Result<(), Failure> {
        let room = self.rooms.remove(name).ok_or(NOT_JOINED)?;
        self.chat.hub.leave(&room, &self.user, &self.outbox);
        Ok(())
    }

    fn message(&self, request: &Request) -> Result<(), Failure> {
        let (name, content) = (request.room()?, request.content()?);
        let room = self.rooms.get(name.as_ref()).ok_or(NOT_JOINED)?;
        room.publish(&Event::Message { room: &name, user: &self.user, content, timestamp: now() });
        Ok(())
    }

    fn direct(&self, request: &Request) -> Result<(), Failure> {
        let (to, content) = (request.to()?, request.content()?);
        let event = Event::Direct { user: &self.user, content, timestamp: now() };
        if self.chat.hub.direct(&to, &event) {
            return Ok(());
        }
        Err(Failure::Refused { code: "no_such_user", message: "nobody by that name is connected" })
    }
}

const NOT_JOINED: Failure = Failure::Refused { code: "not_joined", message: "join the room first" };

impl Drop for Member {
    fn drop(&mut self) {
        for room in self.rooms.values() {
            self.chat.hub.leave(room, &self.user, &self.outbox);
        }
        self.chat.hub.remove(&self.user, &self.outbox);
    }
}
