#[cfg(feature = "borrowed")]
mod borrowed;
mod listings;
#[cfg_attr(feature = "tuned", path = "tuned_outbox.rs")]
mod outbox;
#[cfg(feature = "tuned")]
mod random;
#[cfg(feature = "sockets")]
mod sockets;
#[cfg(feature = "tuned")]
mod tuned_log;
#[cfg(feature = "tuned")]
mod tuned_rooms;

use std::process::{self, Command};
use std::time::Duration;

use tokio::time::timeout;
use uuid::Uuid;

use crate::http::user_of;
use crate::messages::{is_name, parse, Event, Request};
use crate::{setting, told_to_stop};

#[test]
fn settings_have_defaults_and_bad_ones_are_named() {
    assert_eq!(setting("TEST_NOT_SET", 4000, 1..=65_535).unwrap(), 4000);
    std::env::set_var("TEST_SET", "3");
    assert_eq!(setting("TEST_SET", 4000, 1..=65_535).unwrap(), 3);
    for text in ["", "x", "0", "-1", "+1", " 1", "1e3", "1.5", "65536", "99999999999999999999"] {
        std::env::set_var("TEST_BAD", text);
        let reason = setting("TEST_BAD", 4000, 1..=65_535).unwrap_err();
        assert!(reason.contains("TEST_BAD"), "{text}: {reason}");
    }
}

#[tokio::test]
async fn a_service_manager_and_ctrl_c_stop_the_server() {
    for name in ["-TERM", "-INT"] {
        let stop = told_to_stop().unwrap();
        let sent = Command::new("kill").args([name, &process::id().to_string()]).status();
        assert!(sent.unwrap().success());
        timeout(Duration::from_secs(10), stop).await.expect(name);
    }
}

#[test]
fn names_are_1_to_64_bytes_without_control_characters() {
    for name in ["a", " ", "é", &"é".repeat(32), "\u{a0}"] {
        assert!(is_name(name), "{name:?}");
    }
    for name in ["", &("é".repeat(32) + "x"), "\0", "\x7f", "\u{9f}"] {
        assert!(!is_name(name), "{name:?}");
    }
}

#[test]
fn the_first_user_counts() {
    for (query, user) in [("user=ann", "ann"), ("x=1&user=a%26b+c&user=", "a&b c")] {
        assert_eq!(user_of(query).as_deref(), Some(user), "{query}");
    }
}

#[test]
fn a_user_that_is_no_name_is_none() {
    for query in ["user=%ff", "user=%00", &format!("user={}", "x".repeat(65))] {
        assert_eq!(user_of(query), None, "{query}");
    }
}

#[test]
fn without_a_user_there_is_a_random_one() {
    for query in ["", "user", "user=", "user=&user=ann", "user&user=ann", "other=1"] {
        let user = user_of(query).unwrap();
        let id = Uuid::parse_str(&user).unwrap();
        assert_eq!((id.get_version_num(), id.to_string()), (4, user), "{query}");
    }
}

#[test]
fn what_is_not_json_is_malformed() {
    for text in ["", " ", "{", "[", "\u{feff}{}", "{} x", "[] x", "{'a':1}", "{\"a\":1,}"] {
        assert!(parse::<Request>(text).is_err(), "{text:?}");
    }
}

#[test]
fn what_is_not_an_object_has_no_type() {
    for text in ["[\"heartbeat\"]", "null", "1", "\"join\"", " [] ", "{\"Type\":\"join\"}"] {
        let request: Request = parse(text).unwrap();
        assert_eq!(request.kind.as_str(), None, "{text:?}");
    }
}

#[test]
fn fields_may_hold_anything() {
    let deep = "[".repeat(16) + &"]".repeat(16);
    let text = format!(" {{\"x\":1e999,\"type\":\"join\",\"to\":{deep},\"room\":7}}");
    let request: Request = parse(&text).unwrap();
    assert_eq!((request.kind.as_str(), request.room.as_str()), (Some("join"), None));
}

#[test]
fn the_type_comes_first() {
    let event = Event::Direct { user: "a\"", content: "é\0", timestamp: 1 };
    let text = r#"{"type":"direct","user":"a\"","content":"é\u0000","timestamp":1}"#;
    assert_eq!(outbox::text(&event.encode()), text);
}
