//! Other nodes, which only the variant `cluster` has: see ../cluster/others.rs.

use std::{convert::Infallible, sync::Arc};

use serde_json::Value;

use crate::chat::Chat;
use crate::connection::Encoded;
use crate::member::{Member, Refusal, NO_SUCH_USER};

#[derive(Default)]
pub struct Others;

pub fn start(_: &Arc<Chat>) -> Result<(), Infallible> {
    Ok(())
}

impl Others {
    pub fn tell_health(&self, _: &mut Value) {}
    pub async fn arrive(&self, _user: &str) {}
    pub async fn end(&self) {}
}

impl Member {
    pub async fn enter(&self, room: &str, joined: Encoded) {
        self.chat.rooms.add(room, &self.outbox, Some(joined));
    }

    pub fn exit(&self, room: &str, left: Encoded) {
        self.chat.rooms.remove(room, &self.outbox, Some(left));
    }

    pub fn publish(&self, room: &str, message: Encoded) {
        self.chat.rooms.tell(room, message);
    }

    pub async fn direct(&self, to: &str, message: Encoded) -> Result<(), Refusal> {
        self.chat.users.tell(to, message).then_some(()).ok_or(NO_SUCH_USER)
    }

    pub fn depart(&self) {}
}
