use std::future::Future;
use std::iter;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use crate::connection::Outbox;

fn outbox() -> (Arc<Outbox>, UnboundedReceiver<Message>) {
    Outbox::new(&CancellationToken::new())
}

fn received(waiting: &mut UnboundedReceiver<Message>) -> Vec<Message> {
    iter::from_fn(|| waiting.try_recv().ok()).collect()
}

pub fn text(message: &Message) -> &str {
    message.to_text().unwrap()
}

/// On several nodes it is Redis who knows; `tests/conformance` has that.
#[cfg(not(feature = "cluster"))]
#[tokio::test]
async fn a_group_is_there_while_it_has_members() {
    use crate::{chat::Groups, messages::Event};

    const TICK: Event = Event::Heartbeat { timestamp: 1 };
    let groups = Groups::default();
    let ((ann, mut to_ann), (bob, mut to_bob)) = (outbox(), outbox());
    assert!(!groups.tell("room", &TICK, &ann).await);
    groups.add("room", &ann, Some(&TICK)).await;
    groups.add("room", &bob, None).await;
    assert!(groups.tell("room", &TICK, &ann).await);
    groups.remove("room", &ann, Some(&TICK));
    assert_eq!(received(&mut to_ann), [TICK.encode(), TICK.encode()]);
    assert_eq!(received(&mut to_bob), [TICK.encode(), TICK.encode()]);
    groups.remove("room", &bob, None);
    assert!(!groups.tell("room", &TICK, &ann).await);
}

#[test]
fn who_does_not_read_is_ended() {
    let (slow, mut waiting) = outbox();
    let quarter = Message::text("x".repeat(1 << 18));
    (0..4).for_each(|_| slow.deliver(quarter.clone()));
    assert!(!slow.ended.is_cancelled());
    slow.deliver(quarter);
    assert!(slow.ended.is_cancelled());
    assert_eq!(received(&mut waiting).len(), 4);
}

#[test]
fn a_reader_catches_up_once_what_waited_is_written() {
    let (outbox, _waiting) = outbox();
    let mut cx = Context::from_waker(Waker::noop());
    outbox.deliver(Message::text("one"));
    outbox.deliver(Message::text("three"));
    let mut caught_up = pin!(outbox.caught_up());
    assert!(caught_up.as_mut().poll(&mut cx).is_pending());
    outbox.deliver(Message::text("later"));
    outbox.written(3);
    assert!(caught_up.as_mut().poll(&mut cx).is_pending());
    outbox.written(5);
    assert!(caught_up.as_mut().poll(&mut cx).is_ready());
}

#[test]
fn who_comes_after_the_stop_is_ended() {
    let stopping = CancellationToken::new();
    let (early, _waiting) = Outbox::new(&stopping);
    stopping.cancel();
    let (late, _waiting) = Outbox::new(&stopping);
    assert!(early.ended.is_cancelled() && late.ended.is_cancelled());
}
