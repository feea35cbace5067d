use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::outbox::{text, Pair};
use super::random::Random;
use crate::chat::Groups;
use crate::connection::Rooms;
use crate::messages::Event;

const ROOMS: [&str; 3] = ["a", "b", "c"];
const MEMBERS: usize = 5;
const STEPS: u64 = 400;
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection, and what it has to be told: the room, if any, and the frame.
struct Member {
    pair: Pair,
    rooms: BTreeSet<usize>,
    due: Vec<(Option<usize>, Vec<u8>)>,
}

impl Member {
    fn due_bytes(&self) -> usize {
        self.due.iter().map(|(_, frame)| frame.len()).sum()
    }
}

fn frame(event: &Event) -> Vec<u8> {
    event.encode().as_ref().to_vec()
}

/// Everybody who is in the room.
fn tell(members: &mut [Member], room: usize, event: &Event) {
    for member in members.iter_mut().filter(|member| member.rooms.contains(&room)) {
        member.due.push((Some(room), frame(event)));
    }
}

async fn step(rooms: &Rooms, members: &mut [Member], random: &mut Random, timestamp: u64) {
    let (who, at) = (random.below(MEMBERS), random.below(ROOMS.len()));
    let (user, room, outbox) = ("ann", ROOMS[at], members[who].pair.outbox.clone());
    let is_in = members[who].rooms.contains(&at);
    match random.below(16) {
        0 | 1 if !is_in => {
            let event = Event::UserJoined { room, user, timestamp };
            rooms.add(room, &outbox, Some(&event)).await;
            members[who].rooms.insert(at);
            tell(members, at, &event);
        }
        0 if is_in => {
            let event = Event::UserLeft { room, user, timestamp };
            rooms.remove(room, &outbox, Some(&event));
            members[who].rooms.remove(&at);
            tell(members, at, &event);
        }
        1..=7 if is_in => {
            let content = &"x".repeat(random.below(3_000));
            let event = Event::Message { room, user, content, timestamp };
            assert!(rooms.tell(room, &event, &outbox).await);
            tell(members, at, &event);
        }
        8..=10 => {
            let event = Event::Heartbeat { timestamp };
            outbox.deliver(event.encode());
            members[who].due.push((None, frame(&event)));
        }
        11..=13 => members[who].pair.read_some(random.below(20_000) + 1).await,
        _ => yield_now().await,
    }
}

/// The order of what it is told alone and of each room, and nothing else, is promised.
fn assert_is_told(got: &[u8], due: &[(Option<usize>, Vec<u8>)]) {
    let mut told = Vec::new();
    let mut rest = got;
    while !rest.is_empty() {
        let header = if rest[1] < 126 { 2 } else { 4 };
        let length = if header == 2 {
            usize::from(rest[1])
        } else {
            usize::from(u16::from_be_bytes([rest[2], rest[3]]))
        };
        let (frame, behind) = rest.split_at(header + length);
        let message: serde_json::Value =
            serde_json::from_str(text(&frame.into())).expect("whole frames");
        let room = ROOMS.iter().position(|room| message["room"] == *room);
        told.push((room, frame.to_vec()));
        rest = behind;
    }
    for at in 0..ROOMS.len() {
        let of_it = |(room, _): &&(Option<usize>, Vec<u8>)| room.is_none_or(|room| room == at);
        let (told, due): (Vec<_>, Vec<_>) =
            (told.iter().filter(of_it).collect(), due.iter().filter(of_it).collect());
        assert!(told == due, "{} of {} frames of room {at} came in order", told.len(), due.len());
    }
}

async fn play(seed: u64) {
    let (rooms, stop) = (Rooms::default(), CancellationToken::new());
    let (mut random, mut members) = (Random::new(seed), Vec::new());
    for _ in 0..MEMBERS {
        let pair = Pair::new(&rooms.turns, &stop).await;
        members.push(Member { pair, rooms: BTreeSet::new(), due: Vec::new() });
    }
    for timestamp in 0..STEPS {
        step(&rooms, &mut members, &mut random, timestamp).await;
    }
    for member in &mut members {
        let length = member.due_bytes();
        let got = member.pair.received(length).await;
        assert_is_told(got, &member.due);
        assert!(!member.pair.outbox.ended.is_cancelled());
    }
    until_written(&rooms).await;
}

async fn until_written(rooms: &Rooms) {
    let written = async {
        while !rooms.are_written() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, written).await.expect("nobody needs a log any more");
}

#[tokio::test]
async fn each_is_told_what_concerns_it_in_order_and_logs_are_freed() {
    for seed in 1..=10 {
        play(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn so_it_is_when_turns_end_on_several_threads() {
    for seed in 11..=20 {
        play(seed).await;
    }
}

#[tokio::test]
async fn who_does_not_read_a_room_is_ended_and_its_log_freed() {
    let (rooms, stop) = (Rooms::default(), CancellationToken::new());
    let mut reader = Pair::new(&rooms.turns, &stop).await;
    let slow = Pair::new(&rooms.turns, &stop).await;
    let (room, user, content, timestamp) = ("a", "ann", &*"x".repeat(20_000), 1);
    let news = Event::UserJoined { room, user, timestamp };
    for pair in [&slow, &reader] {
        rooms.add(room, &pair.outbox, Some(&news)).await;
    }
    let message = Event::Message { room, user, content, timestamp };
    let mut told = frame(&news).len();
    while !slow.outbox.ended.is_cancelled() {
        assert!(told < 1 << 23, "the limit is 1 MiB and what both sockets hold");
        rooms.tell(room, &message, &reader.outbox).await;
        told += frame(&message).len();
        reader.received(told).await;
    }
    assert!(told > 1 << 20 && !reader.outbox.ended.is_cancelled());
    assert!(!rooms.are_written());
    rooms.remove(room, &slow.outbox, Some(&Event::UserLeft { room, user, timestamp }));
    // What it was told by then it holds itself.
    until_written(&rooms).await;
}

#[tokio::test]
async fn a_speaker_is_held_back_when_much_was_said_in_a_turn() {
    let (rooms, stop) = (Rooms::default(), CancellationToken::new());
    let mut pair = Pair::new(&rooms.turns, &stop).await;
    let (room, user, content, timestamp) = ("a", "ann", &*"x".repeat(60_000), 1);
    rooms.add(room, &pair.outbox, Some(&Event::UserJoined { room, user, timestamp })).await;
    let message = Event::Message { room, user, content, timestamp };
    for _ in 0..8 {
        rooms.tell(room, &message, &pair.outbox).await;
        assert!(!pair.outbox.was_held_back());
    }
    rooms.tell(room, &message, &pair.outbox).await;
    assert!(pair.outbox.was_held_back() && !pair.outbox.was_held_back());
    pair.received(9 * frame(&message).len()).await;
    rooms.tell(room, &message, &pair.outbox).await;
    assert!(!pair.outbox.was_held_back());
}

#[tokio::test]
async fn a_room_is_there_while_it_has_members() {
    const TICK: Event = Event::Heartbeat { timestamp: 1 };
    let (rooms, stop) = (Rooms::default(), CancellationToken::new());
    let mut ann = Pair::new(&rooms.turns, &stop).await;
    let mut bob = Pair::new(&rooms.turns, &stop).await;
    let tick = frame(&TICK);
    assert!(!rooms.tell("a", &TICK, &ann.outbox).await);
    rooms.add("a", &ann.outbox, Some(&TICK)).await;
    rooms.add("a", &bob.outbox, Some(&TICK)).await;
    assert!(rooms.tell("a", &TICK, &ann.outbox).await);
    rooms.remove("a", &ann.outbox, Some(&TICK));
    rooms.remove("a", &bob.outbox, Some(&TICK));
    assert!(!rooms.tell("a", &TICK, &ann.outbox).await);
    assert_eq!(ann.received(3 * tick.len()).await, tick.repeat(3));
    assert_eq!(bob.received(3 * tick.len()).await, tick.repeat(3));
}

#[tokio::test]
async fn a_user_is_there_while_it_has_connections() {
    const TICK: Event = Event::Heartbeat { timestamp: 1 };
    let (users, rooms, stop) = (Groups::default(), Rooms::default(), CancellationToken::new());
    let mut one = Pair::new(&rooms.turns, &stop).await;
    let mut other = Pair::new(&rooms.turns, &stop).await;
    let tick = frame(&TICK);
    users.add("ann", &one.outbox, None).await;
    users.add("ann", &other.outbox, None).await;
    assert!(users.tell("ann", &TICK, &one.outbox).await);
    users.remove("ann", &one.outbox, None);
    assert!(users.tell("ann", &TICK, &one.outbox).await);
    users.remove("ann", &other.outbox, None);
    assert!(!users.tell("ann", &TICK, &one.outbox).await);
    assert_eq!(one.received(tick.len()).await, tick);
    assert_eq!(other.received(2 * tick.len()).await, tick.repeat(2));
}
