//! Variant `borrowed`: texts that a client sends are borrowed from its frame where they have no
//! escapes.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A message from a client. A field that it does not need may hold anything.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Request<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Field<'a>,
    #[serde(borrow)]
    pub room: Field<'a>,
    #[serde(borrow)]
    pub to: Field<'a>,
    #[serde(borrow)]
    pub content: Field<'a>,
    /// Of a fault.
    pub ms: Value,
}

/// A text, or whatever else there may be in its place.
#[derive(Debug, Default)]
pub struct Field<'a>(Option<Cow<'a, str>>);

impl Field<'_> {
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(FieldVisitor).map(Self)
    }
}

struct FieldVisitor;

/// What is no text is read as `Value` reads it, so that the same is malformed, and forgotten.
impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    /// It had escapes.
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<Field>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<Field, Field>()?.is_some() {}
        Ok(None)
    }
}
