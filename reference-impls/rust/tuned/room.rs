use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use dashmap::DashMap;

use super::log::Log;
use super::outbox::{Encoded, Outbox};
use super::turn::{Pace, Turns, ENOUGH_BYTES};
use crate::messages::Event;

/// One log, and who reads it. Locks are taken in this order: the map of rooms, an outbox, a room,
/// the turns.
#[derive(Default)]
pub struct Room {
    /// That of the log, to be looked at without the lock.
    end: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    log: Log,
    /// Shared while they are written to.
    members: Arc<Vec<Arc<Outbox>>>,
    /// It is among those that are written at the end of the turn.
    due: bool,
    /// Its end when its members were written to last.
    told: u64,
}

impl Room {
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub fn refer(&self, from: u64, to: u64, most: usize, pieces: &mut Vec<Bytes>) {
        self.lock().log.refer(from, to, most, pieces);
    }

    /// The new member hears nothing before the news. Returns where that begins.
    pub fn add(self: &Arc<Self>, member: &Arc<Outbox>, news: &[u8], turns: &Arc<Turns>) -> u64 {
        let mut state = self.lock();
        let at = state.log.end();
        Arc::make_mut(&mut state.members).push(member.clone());
        self.append(state, news, turns);
        at
    }

    /// Only those who are left hear the news. False if nobody is.
    fn remove(self: &Arc<Self>, member: &Arc<Outbox>, news: &[u8], turns: &Arc<Turns>) -> bool {
        member.leave(self);
        let mut state = self.lock();
        Arc::make_mut(&mut state.members).retain(|other| !Arc::ptr_eq(other, member));
        let is_left = !state.members.is_empty();
        if is_left {
            self.append(state, news, turns);
        }
        is_left
    }

    /// True if so much was said in this turn that the speaker should wait for the next.
    fn publish(self: &Arc<Self>, frame: &[u8], turns: &Arc<Turns>) -> bool {
        self.append(self.lock(), frame, turns) > ENOUGH_BYTES as u64
    }

    /// Returns how much was said in this turn.
    fn append(
        self: &Arc<Self>,
        mut state: MutexGuard<State>,
        frame: &[u8],
        turns: &Arc<Turns>,
    ) -> u64 {
        state.log.append(frame);
        let end = state.log.end();
        self.end.store(end, Ordering::Release);
        let (said, was_due) = (end - state.told, std::mem::replace(&mut state.due, true));
        drop(state);
        if !was_due {
            turns.add_room(self);
        }
        turns.has_said(frame.len());
        said
    }

    /// A member that was behind is so no more: its part of the log may be free.
    pub fn look_after(self: &Arc<Self>, turns: &Arc<Turns>) {
        let mut state = self.lock();
        if !state.log.is_empty() && !std::mem::replace(&mut state.due, true) {
            drop(state);
            turns.add_room(self);
        }
    }

    /// Writes to each member all that waits for it, and frees what none of them needs any more.
    pub async fn write(self: &Arc<Self>, pace: &mut Pace, turns: &Arc<Turns>) {
        let (members, told) = {
            let mut state = self.lock();
            state.told = state.log.end();
            (state.members.clone(), state.told)
        };
        let mut least = told;
        for member in members.iter() {
            least = least.min(member.write_from(self).unwrap_or(told));
            pace.keep().await;
        }
        drop(members);
        let mut state = self.lock();
        state.log.trim(least);
        // What has been said meanwhile is due in the next turn.
        state.due = state.log.end() > told;
        if state.due {
            drop(state);
            turns.add_room(self);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it is locked")
    }
}

/// Rooms by name.
#[derive(Default)]
pub struct Rooms {
    rooms: DashMap<String, Arc<Room>>,
    pub turns: Arc<Turns>,
}

impl Rooms {
    /// All hear the news, and the new one nothing before them.
    pub async fn add(&self, name: &str, outbox: &Arc<Outbox>, news: Option<&Event<'_>>) {
        let room = self.rooms.entry(name.into()).or_default();
        outbox.join(&room, encoded(news).as_ref(), &self.turns);
    }

    /// Only those who are left hear the news.
    pub fn remove(&self, name: &str, outbox: &Arc<Outbox>, news: Option<&Event>) {
        self.rooms
            .remove_if(name, |_, room| !room.remove(outbox, encoded(news).as_ref(), &self.turns));
    }

    /// False if there is nobody by that name.
    pub async fn tell(&self, name: &str, event: &Event<'_>, from: &Arc<Outbox>) -> bool {
        let Some(room) = self.rooms.get(name).map(|room| room.clone()) else { return false };
        if room.publish(event.encode().as_ref(), &self.turns) {
            from.hold_back();
        }
        true
    }
}

#[cfg(test)]
impl Rooms {
    /// No log holds anything.
    pub fn are_written(&self) -> bool {
        self.rooms.iter().all(|room| room.lock().log.is_empty())
    }
}

fn encoded(news: Option<&Event>) -> Encoded {
    news.map(Event::encode).unwrap_or_default()
}
