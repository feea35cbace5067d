//! What published code does, by copies of our own that keep its flaws.

use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use serde::Deserialize;

#[derive(Deserialize)]
struct Borrowed<'a> {
    content: &'a str,
}

#[test]
fn a_borrowed_field_takes_no_escaped_character() {
    let plain: Borrowed = serde_json::from_str(r#"{"content":"hi"}"#).unwrap();
    assert_eq!(plain.content, "hi");
    for text in [r#"{"content":"two\nlines"}"#, r#"{"content":"say \"hi\""}"#] {
        assert!(serde_json::from_str::<Borrowed>(text).is_err(), "{text}");
    }
}

/// One joins a room (connections, then rooms), the other speaks in it (rooms, then connections).
#[test]
fn two_locks_in_two_orders_wait_for_each_other() {
    let locks = Arc::new((Mutex::new("connections"), Mutex::new("rooms")));
    let [both_hold, both_tried] = [(); 2].map(|()| Arc::new(Barrier::new(2)));
    let is_stuck = [false, true].map(|speaks| {
        let (locks, both_hold, both_tried) =
            (Arc::clone(&locks), Arc::clone(&both_hold), Arc::clone(&both_tried));
        thread::spawn(move || {
            let (first, second) = if speaks { (&locks.1, &locks.0) } else { (&locks.0, &locks.1) };
            let _held = first.lock().unwrap();
            both_hold.wait();
            let is_stuck = second.try_lock().is_err();
            both_tried.wait();
            is_stuck
        })
    });
    assert_eq!(is_stuck.map(|one| one.join().unwrap()), [true, true]);
}
