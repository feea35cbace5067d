use std::{
    borrow::Cow,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{de::IgnoredAny, Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::names;

/// Any message that the server sends. A content stays as the sender wrote it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event<'a> {
    Welcome { user: &'a str },
    UserJoined { room: &'a str, user: &'a str, timestamp: u64 },
    UserLeft { room: &'a str, user: &'a str, timestamp: u64 },
    Message { room: &'a str, user: &'a str, content: &'a RawValue, timestamp: u64 },
    Direct { user: &'a str, content: &'a RawValue, timestamp: u64 },
    Heartbeat { timestamp: u64 },
    Error { code: &'a str, message: &'a str },
}

impl Event<'_> {
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers have JSON")
    }
}

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}

/// Why a request can't be served.
#[derive(Debug, PartialEq)]
pub enum Failure {
    Malformed,
    Refused { code: &'static str, message: &'static str },
}

impl Failure {
    pub fn bad_request(message: &'static str) -> Self {
        Self::Refused { code: "bad_request", message }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(_: serde_json::Error) -> Self {
        Self::Malformed
    }
}

/// A message from a client, its fields still undecoded.
#[derive(Deserialize)]
pub struct Request<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    room: Option<&'a RawValue>,
    #[serde(borrow)]
    to: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

/// serde borrows from the input only where a field says so, and a bare `Cow` can't.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Request<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Failure> {
        // serde would take an array for a struct whose fields come in order.
        if !text.trim_ascii_start().starts_with('{') {
            serde_json::from_str::<IgnoredAny>(text)?;
            return Err(Failure::bad_request("a message is a JSON object"));
        }
        Ok(serde_json::from_str(text)?)
    }

    pub fn kind(&self) -> Result<Cow<'a, str>, Failure> {
        text(self.kind)?.ok_or(Failure::bad_request("type: give a string"))
    }

    pub fn room(&self) -> Result<Cow<'a, str>, Failure> {
        name(self.room)?.ok_or(Failure::bad_request("room: give a name of 1 to 64 bytes"))
    }

    pub fn to(&self) -> Result<Cow<'a, str>, Failure> {
        name(self.to)?.ok_or(Failure::bad_request("to: give a name of 1 to 64 bytes"))
    }

    pub fn content(&self) -> Result<&'a RawValue, Failure> {
        string(self.content).ok_or(Failure::bad_request("content: give a string"))
    }
}

fn string(field: Option<&RawValue>) -> Option<&RawValue> {
    field.filter(|value| value.get().starts_with('"'))
}

fn text(field: Option<&RawValue>) -> Result<Option<Cow<'_, str>>, Failure> {
    let Some(value) = string(field) else { return Ok(None) };
    let Text(text) = serde_json::from_str(value.get())?;
    Ok(Some(text))
}

fn name(field: Option<&RawValue>) -> Result<Option<Cow<'_, str>>, Failure> {
    Ok(text(field)?.filter(|name| names::is_name(name)))
}

#[cfg(test)]
mod tests;
