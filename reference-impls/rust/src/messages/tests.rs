use std::borrow::Cow;

use super::*;

fn refused<T>(outcome: Result<T, Failure>) -> bool {
    matches!(outcome, Err(Failure::Refused { code: "bad_request", .. }))
}

#[test]
fn what_is_not_json_is_malformed() {
    for text in ["", " ", "{", "[", "\u{feff}{}", "{} x", "{'a':1}", "{\"a\":NaN}", "{\"a\":1,}"] {
        let failure = Request::parse(text).err();
        assert_eq!(failure, Some(Failure::Malformed), "{text:?}");
    }
}

#[test]
fn what_is_not_an_object_is_refused() {
    for text in ["[\"heartbeat\"]", "null", "1", "\"join\"", " [] "] {
        assert!(refused(Request::parse(text)), "{text:?}");
    }
}

#[test]
fn ignored_fields_may_hold_anything() {
    let deep = "[".repeat(16) + &"]".repeat(16);
    let text = format!(" {{\"x\":1e999,\"type\":\"join\",\"y\":{deep}}}");
    let request = Request::parse(&text).unwrap();
    assert_eq!(request.kind().unwrap(), "join");
}

#[test]
fn fields_must_be_strings_under_their_exact_names() {
    for text in ["{}", "{\"type\":null}", "{\"type\":1}", "{\"Type\":\"join\"}"] {
        assert!(refused(Request::parse(text).unwrap().kind()), "{text}");
    }
}

#[test]
fn names_are_borrowed_unless_escaped() {
    let plain = Request::parse("{\"room\":\"é\"}").unwrap();
    assert!(matches!(plain.room(), Ok(Cow::Borrowed("é"))));
    let escaped = Request::parse("{\"room\":\"\\u00e9\"}").unwrap();
    assert_eq!(escaped.room().unwrap(), "é");
    let empty = Request::parse("{\"room\":\"\"}").unwrap();
    assert!(refused(empty.room()));
}

#[test]
fn a_content_is_passed_on_as_written() {
    let request = Request::parse("{\"content\":\"\\ud800\\u0000\"}").unwrap();
    let event = Event::Direct { user: "a\"", content: request.content().unwrap(), timestamp: 1 };
    assert_eq!(
        event.encode(),
        r#"{"type":"direct","user":"a\"","content":"\ud800\u0000","timestamp":1}"#
    );
}
