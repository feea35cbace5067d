use std::io::IoSlice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use tokio_util::sync::CancellationToken;

use crate::chat::Groups;
use crate::connection::{Batch, Encoded, Outbox};
use crate::messages::Event;

const TICK: Event = Event::Heartbeat { timestamp: 1 };

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn outbox() -> Arc<Outbox> {
    Outbox::new(&CancellationToken::new())
}

/// All that waits, as it would be written.
fn received(outbox: &Outbox) -> Vec<u8> {
    let mut batch = Batch::default();
    match outbox.poll_take(&Context::from_waker(Waker::noop()), 1, &mut batch) {
        Poll::Ready(()) => left(&batch),
        Poll::Pending => Vec::new(),
    }
}

fn left(batch: &Batch) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 64];
    let count = batch.fill(&mut slices);
    slices[..count].iter().flat_map(|slice| slice.to_vec()).collect()
}

fn frame(bytes: &[u8]) -> Encoded {
    bytes.into()
}

/// Of a frame whose text has 126 to 65,535 bytes, or fewer than that.
pub fn text(frame: &Encoded) -> &str {
    let bytes = frame.as_ref();
    assert_eq!(bytes[0], 0x81);
    let header = if bytes[1] < 126 { 2 } else { 4 };
    std::str::from_utf8(&bytes[header..]).unwrap()
}

#[tokio::test]
async fn a_group_is_there_while_it_has_members() {
    let groups = Groups::default();
    let (ann, bob) = (outbox(), outbox());
    let twice = [TICK.encode().as_ref(), TICK.encode().as_ref()].concat();
    assert!(!groups.tell("room", &TICK, &ann).await);
    groups.add("room", &ann, Some(&TICK)).await;
    groups.add("room", &bob, None).await;
    assert!(groups.tell("room", &TICK, &ann).await);
    groups.remove("room", &ann, Some(&TICK));
    assert_eq!((received(&ann), received(&bob)), (twice.clone(), twice));
    groups.remove("room", &bob, None);
    assert!(!groups.tell("room", &TICK, &ann).await);
}

#[test]
fn who_does_not_read_is_ended() {
    let slow = outbox();
    let quarter = frame(&[0; 1 << 18]);
    (0..4).for_each(|_| slow.deliver(quarter.clone()));
    assert!(!slow.ended.is_cancelled());
    slow.deliver(quarter);
    assert!(slow.ended.is_cancelled());
    slow.deliver_last(frame(b"close"));
    assert_eq!(received(&slow).len(), (1 << 20) + 5);
}

#[test]
fn what_is_taken_waits_until_it_is_written() {
    let slow = outbox();
    let half = frame(&[0; 1 << 19]);
    (0..2).for_each(|_| slow.deliver(half.clone()));
    assert_eq!(received(&slow).len(), 1 << 20);
    slow.written(1 << 19);
    slow.deliver(half.clone());
    assert!(!slow.ended.is_cancelled());
    slow.deliver(frame(b"x"));
    assert!(slow.ended.is_cancelled());
}

#[test]
fn who_comes_after_the_stop_is_ended() {
    let stopping = CancellationToken::new();
    let early = Outbox::new(&stopping);
    stopping.cancel();
    let late = Outbox::new(&stopping);
    assert!(early.ended.is_cancelled() && late.ended.is_cancelled());
}

#[test]
fn a_connection_is_woken_once_and_only_if_it_waits() {
    let (outbox, wakes) = (outbox(), Arc::new(Wakes::default()));
    let waker = Waker::from(wakes.clone());
    let cx = Context::from_waker(&waker);
    let mut batch = Batch::default();
    outbox.deliver(frame(b"a"));
    assert!(outbox.poll_take(&cx, 1, &mut batch).is_ready());
    outbox.written(1);
    assert!(outbox.poll_take(&cx, 1, &mut batch).is_pending());
    assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
    (0..3).for_each(|_| outbox.deliver(frame(b"b")));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
}

#[test]
fn a_connection_that_waits_for_more_is_woken_when_it_is_enough() {
    let (outbox, wakes) = (outbox(), Arc::new(Wakes::default()));
    let waker = Waker::from(wakes.clone());
    let cx = Context::from_waker(&waker);
    outbox.deliver(frame(b"ab"));
    assert!(outbox.poll_take(&cx, 5, &mut Batch::default()).is_pending());
    outbox.deliver(frame(b"cd"));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
    outbox.deliver(frame(b"e"));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert_eq!(received(&outbox), b"abcde");
}

#[test]
fn a_batch_goes_on_where_a_write_ended() {
    let outbox = outbox();
    [&b"one"[..], b"two", b"three"].iter().for_each(|bytes| outbox.deliver(frame(bytes)));
    let mut batch = Batch::default();
    let cx = Context::from_waker(Waker::noop());
    assert!(outbox.poll_take(&cx, 1, &mut batch).is_ready());
    for (written, rest) in [(1, "netwothree"), (2, "twothree"), (5, "ree")] {
        batch.advance(written);
        assert_eq!(left(&batch), rest.as_bytes());
    }
    batch.advance(3);
    assert!(batch.is_empty());
}
