use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::room::Room;

/// What waits for one connection, in the order in which it was told. All of a room's bytes are in
/// the room's log: here is only from where to where.
#[derive(Default)]
pub struct Waiting {
    seats: Vec<Seat>,
    parts: VecDeque<Part>,
    /// Of all parts.
    bytes: usize,
}

/// Its place in a room.
struct Seat {
    room: Arc<Room>,
    /// What lies before it is written, or among the parts.
    at: u64,
}

enum Part {
    Frames(Bytes),
    Span { room: Arc<Room>, from: u64, to: u64 },
}

impl Part {
    fn len(&self) -> usize {
        match self {
            Self::Frames(bytes) => bytes.len(),
            Self::Span { from, to, .. } => (to - from) as usize,
        }
    }
}

impl Waiting {
    pub fn bytes(&self) -> usize {
        let in_rooms = self.seats.iter().map(|seat| (seat.room.end() - seat.at) as usize);
        self.bytes + in_rooms.sum::<usize>()
    }

    /// Frames for this connection alone, behind all that its rooms have said so far.
    pub fn push(&mut self, frames: Bytes) {
        self.take_from_rooms();
        self.bytes += frames.len();
        self.parts.push_back(Part::Frames(frames));
    }

    pub fn sit_down(&mut self, room: Arc<Room>, at: u64) {
        self.seats.push(Seat { room, at });
    }

    /// What the room has said so far still comes, and holds none of its log but that.
    pub fn stand_up(&mut self, room: &Arc<Room>) {
        self.take_from_rooms();
        self.seats.retain(|seat| !Arc::ptr_eq(&seat.room, room));
        let mut pieces = Vec::new();
        for part in std::mem::take(&mut self.parts) {
            match part {
                Part::Span { room: of, from, to } if Arc::ptr_eq(&of, room) => {
                    room.refer(from, to, usize::MAX, &mut pieces);
                    self.parts.extend(pieces.drain(..).map(Part::Frames));
                }
                other => self.parts.push_back(other),
            }
        }
    }

    /// From where on it needs the room's log. None if it has no seat there.
    pub fn position(&self, room: &Arc<Room>) -> Option<u64> {
        let spans = self.parts.iter().find_map(|part| match part {
            Part::Span { room: of, from, .. } if Arc::ptr_eq(of, room) => Some(*from),
            _ => None,
        });
        let seat = self.seats.iter().find(|seat| Arc::ptr_eq(&seat.room, room))?;
        Some(spans.unwrap_or(seat.at))
    }

    pub fn rooms(&self) -> impl Iterator<Item = &Arc<Room>> {
        self.seats.iter().map(|seat| &seat.room)
    }

    /// The first pieces of what waits, `most` at most.
    pub fn refer(&mut self, most: usize, pieces: &mut Vec<Bytes>) {
        self.take_from_rooms();
        for part in &self.parts {
            match part {
                _ if pieces.len() >= most => break,
                Part::Frames(bytes) => pieces.push(bytes.clone()),
                Part::Span { room, from, to } => room.refer(*from, *to, most, pieces),
            }
        }
    }

    /// So many bytes are written.
    pub fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        while written > 0 {
            let part = self.parts.front_mut().expect("no more is written than there was");
            let length = part.len();
            if written >= length {
                self.parts.pop_front();
                written -= length;
                continue;
            }
            match part {
                Part::Frames(bytes) => bytes.advance(written),
                Part::Span { from, .. } => *from += written as u64,
            }
            return;
        }
    }

    /// Nothing waits any more for a socket that takes nothing any more.
    pub fn discard(&mut self) {
        *self = Self::default();
    }

    fn take_from_rooms(&mut self) {
        for seat in &mut self.seats {
            let (from, to) = (seat.at, seat.room.end());
            if from == to {
                continue;
            }
            seat.at = to;
            self.bytes += (to - from) as usize;
            match self.parts.back_mut() {
                Some(Part::Span { room, to: end, .. }) if Arc::ptr_eq(room, &seat.room) => {
                    *end = to;
                }
                _ => self.parts.push_back(Part::Span { room: seat.room.clone(), from, to }),
            }
        }
    }
}
