use std::time::UNIX_EPOCH;

use serde::{de::IgnoredAny, Deserialize, Serialize};

use crate::connection::Encoded;

/// Any message that the server sends.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event<'a> {
    Welcome { user: &'a str },
    UserJoined { room: &'a str, user: &'a str, timestamp: u64 },
    UserLeft { room: &'a str, user: &'a str, timestamp: u64 },
    Message { room: &'a str, user: &'a str, content: &'a str, timestamp: u64 },
    Direct { user: &'a str, content: &'a str, timestamp: u64 },
    Heartbeat { timestamp: u64 },
    Error { code: &'a str, message: &'a str },
}

impl Event<'_> {
    pub fn encode(&self) -> Encoded {
        serde_json::to_string(self).expect("strings and numbers have JSON").into()
    }
}

pub fn now() -> u64 {
    UNIX_EPOCH.elapsed().unwrap_or_default().as_millis() as u64
}

#[cfg(feature = "borrowed")]
pub use crate::borrowed::Request;

/// It borrows nothing; what does is in `borrowed.rs`.
#[cfg(not(feature = "borrowed"))]
pub type Request<'a> = Owned;

/// A message from a client. A field that it does not need may hold anything.
#[cfg(not(feature = "borrowed"))]
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Owned {
    #[serde(rename = "type")]
    pub kind: serde_json::Value,
    pub room: serde_json::Value,
    pub to: serde_json::Value,
    pub content: serde_json::Value,
    /// Of a fault.
    pub ms: serde_json::Value,
}

/// What is JSON but not an object has no field. (serde would take an array for a struct.)
pub fn parse<'a, Asked: Default + Deserialize<'a>>(text: &'a str) -> serde_json::Result<Asked> {
    if text.trim_ascii_start().starts_with('{') {
        return serde_json::from_str(text);
    }
    serde_json::from_str::<IgnoredAny>(text).map(|_| Asked::default())
}

pub fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && !name.chars().any(char::is_control)
}
