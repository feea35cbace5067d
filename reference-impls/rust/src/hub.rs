use std::{collections::HashMap, sync::Arc};

use parking_lot::{Mutex, RwLock};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::{
    messages::{now, Event},
    outbox::Outbox,
};

/// Who is connected, and which rooms have members.
#[derive(Default)]
pub struct Hub {
    users: RwLock<Users>,
    /// Locked before a room's own members, never after them.
    rooms: Mutex<HashMap<String, Arc<Room>>>,
}

#[derive(Default)]
struct Users {
    outboxes: HashMap<String, Vec<Arc<Outbox>>>,
    stopped: bool,
}

/// A named set of members. Its lock makes one order of all that happens in it.
pub struct Room {
    name: String,
    members: Mutex<Vec<Arc<Outbox>>>,
}

impl Hub {
    pub fn add(&self, user: &str, outbox: &Arc<Outbox>) {
        let mut users = self.users.write();
        if users.stopped {
            going_away(outbox);
        }
        users.outboxes.entry(user.into()).or_default().push(outbox.clone());
    }

    pub fn remove(&self, user: &str, outbox: &Arc<Outbox>) {
        let mut users = self.users.write();
        if let Some(outboxes) = users.outboxes.get_mut(user) {
            take_out(outboxes, outbox);
            if outboxes.is_empty() {
                users.outboxes.remove(user);
            }
        }
    }

    /// False if nobody by that name is connected.
    pub fn direct(&self, to: &str, event: &Event) -> bool {
        let users = self.users.read();
        let Some(outboxes) = users.outboxes.get(to) else { return false };
        fan_out(outboxes, event);
        true
    }

    pub fn join(&self, name: &str, user: &str, outbox: &Arc<Outbox>) -> Arc<Room> {
        let mut rooms = self.rooms.lock();
        let new = || Arc::new(Room { name: name.into(), members: Mutex::default() });
        let room = rooms.entry(name.into()).or_insert_with(new).clone();
        let mut members = room.members.lock();
        // Holding the members keeps the room; others need not wait while it tells them.
        drop(rooms);
        members.push(outbox.clone());
        fan_out(&members, &Event::UserJoined { room: name, user, timestamp: now() });
        drop(members);
        room
    }

    pub fn leave(&self, room: &Room, user: &str, outbox: &Arc<Outbox>) {
        let mut rooms = self.rooms.lock();
        let mut members = room.members.lock();
        take_out(&mut members, outbox);
        if members.is_empty() {
            rooms.remove(&room.name);
        }
        drop(rooms);
        fan_out(&members, &Event::UserLeft { room: &room.name, user, timestamp: now() });
    }

    pub fn stop(&self) {
        let mut users = self.users.write();
        users.stopped = true;
        users.outboxes.values().flatten().for_each(|outbox| going_away(outbox));
    }
}

impl Room {
    pub fn publish(&self, event: &Event) {
        fan_out(&self.members.lock(), event);
    }
}

/// tungstenite 0.21 owns each text that it sends: so every member gets a copy.
fn fan_out(outboxes: &[Arc<Outbox>], event: &Event) {
    let text = event.encode();
    for outbox in outboxes {
        outbox.deliver(text.clone());
    }
}

fn take_out(outboxes: &mut Vec<Arc<Outbox>>, outbox: &Arc<Outbox>) {
    outboxes.retain(|other| !Arc::ptr_eq(other, outbox));
}

fn going_away(outbox: &Outbox) {
    outbox.evict(CloseCode::Restart, "Server is going away");
}

#[cfg(test)]
mod tests;
