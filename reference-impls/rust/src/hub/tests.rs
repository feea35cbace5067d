use tokio::sync::mpsc::UnboundedReceiver;
use tokio_tungstenite::tungstenite::Message;

use super::*;

fn next(waiting: &mut UnboundedReceiver<Message>) -> Option<String> {
    waiting.try_recv().ok().map(|message| message.into_text().unwrap())
}

#[test]
fn the_first_to_join_makes_a_room_and_the_last_to_leave_takes_it_along() {
    let hub = Hub::default();
    let (ann, mut to_ann) = Outbox::new();
    let (bob, mut to_bob) = Outbox::new();
    let room = hub.join("r", "ann", &ann);
    assert!(Arc::ptr_eq(&room, &hub.join("r", "bob", &bob)));
    assert!(next(&mut to_ann).unwrap().contains("ann"));
    assert!(next(&mut to_ann).unwrap().contains("bob"));
    assert!(next(&mut to_bob).unwrap().contains("bob"));
    hub.leave(&room, "ann", &ann);
    assert!(next(&mut to_bob).unwrap().contains("user_left"));
    assert_eq!(next(&mut to_ann), None);
    hub.leave(&room, "bob", &bob);
    assert!(hub.rooms.lock().is_empty());
}

#[test]
fn a_direct_message_needs_somebody_connected() {
    let hub = Hub::default();
    let (ann, mut to_ann) = Outbox::new();
    let event = Event::Heartbeat { timestamp: 1 };
    assert!(!hub.direct("ann", &event));
    hub.add("ann", &ann);
    assert!(hub.direct("ann", &event));
    assert_eq!(next(&mut to_ann), Some(event.encode()));
    hub.remove("ann", &ann);
    assert!(!hub.direct("ann", &event));
}

#[tokio::test]
async fn who_does_not_read_is_evicted() {
    let (slow, mut waiting) = Outbox::new();
    let quarter = "x".repeat(1 << 18);
    (0..5).for_each(|_| slow.deliver(quarter.clone()));
    let farewell = slow.evicted().await.unwrap();
    assert_eq!(farewell.code, CloseCode::Again);
    assert_eq!(std::iter::from_fn(|| next(&mut waiting)).count(), 4);
}

#[tokio::test]
async fn who_comes_after_the_stop_is_told_so() {
    let hub = Hub::default();
    hub.stop();
    let (late, _waiting) = Outbox::new();
    hub.add("late", &late);
    assert_eq!(late.evicted().await.unwrap().code, CloseCode::Restart);
}
