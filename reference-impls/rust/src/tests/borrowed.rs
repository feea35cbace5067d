use serde_json::Value;

use crate::messages::{parse, Request};

#[test]
fn a_text_is_borrowed_unless_it_has_escapes() {
    let frame = r#"{"type":"message","room":"é","content":"two\nlines"}"#;
    let request: Request = parse(frame).unwrap();
    let of_the_frame = frame.as_bytes().as_ptr_range();
    for (field, text, borrowed) in [
        (&request.kind, "message", true),
        (&request.room, "é", true),
        (&request.content, "two\nlines", false),
    ] {
        let found = field.as_str().unwrap();
        assert_eq!((found, of_the_frame.contains(&found.as_ptr())), (text, borrowed));
    }
}

#[test]
fn what_is_malformed_for_an_owned_field_is_so_for_a_borrowed_one() {
    let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
    for value in [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e999",
        "18446744073709551616",
        "01",
        "\"\\ud800\"",
        "{}",
        "[1,{\"a\":[]}]",
        "[1,]",
        "{\"a\"}",
        "{\"\\ud800\":1}",
        "{1:1}",
        "\"\\u00e9\"",
        &deep(100),
        &deep(127),
        &deep(128),
        &deep(1_000),
    ] {
        let text = format!("{{\"to\":{value}}}");
        let (owned, borrowed) = (serde_json::from_str::<Value>(&text), parse::<Request>(&text));
        assert_eq!(owned.is_ok(), borrowed.is_ok(), "{text:.40}");
        let owned = owned.unwrap_or_default();
        let borrowed = borrowed.unwrap_or_default();
        assert_eq!(owned["to"].as_str(), borrowed.to.as_str(), "{text:.40}");
    }
}
