use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Most turns have a message or two in a room; what a burst needs comes in larger chunks.
const FIRST_CHUNK_BYTES: usize = 4_096;
const CHUNK_BYTES: usize = 65_536;

/// A room's frames, one behind the other. Positions count from its first byte ever, so they stay
/// right when chunks that nobody needs any more are dropped at the front.
#[derive(Default)]
pub struct Log {
    /// Pieces that nothing is added to any more, and where each begins. Whoever writes one holds a
    /// reference to its chunk.
    sealed: VecDeque<(u64, Bytes)>,
    open: BytesMut,
    end: u64,
}

impl Log {
    pub fn end(&self) -> u64 {
        self.end
    }

    pub fn append(&mut self, frame: &[u8]) {
        if self.open.capacity() - self.open.len() < frame.len() {
            self.seal();
            let usual = if self.sealed.is_empty() { FIRST_CHUNK_BYTES } else { CHUNK_BYTES };
            self.open = BytesMut::with_capacity(usual.max(frame.len()));
        }
        self.open.extend_from_slice(frame);
        self.end += frame.len() as u64;
    }

    /// References to all from one position to another, until there are `most` of them.
    pub fn refer(&mut self, from: u64, to: u64, most: usize, pieces: &mut Vec<Bytes>) {
        if to > self.sealed_end() {
            self.seal();
        }
        let first = self.sealed.partition_point(|(at, piece)| at + piece.len() as u64 <= from);
        for (at, piece) in self.sealed.range(first..) {
            if *at >= to || pieces.len() >= most {
                break;
            }
            let length = piece.len().min((to - at) as usize);
            pieces.push(piece.slice(from.saturating_sub(*at) as usize..length));
        }
    }

    /// Drops what lies before a position. A log that is written as a whole holds no memory.
    pub fn trim(&mut self, least: u64) {
        while self.sealed.front().is_some_and(|(at, piece)| at + piece.len() as u64 <= least) {
            self.sealed.pop_front();
        }
        if self.sealed.is_empty() && self.open.is_empty() {
            *self = Self { end: self.end, ..Self::default() };
        }
    }

    pub fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.open.is_empty()
    }

    fn sealed_end(&self) -> u64 {
        self.end - self.open.len() as u64
    }

    fn seal(&mut self) {
        if !self.open.is_empty() {
            let at = self.sealed_end();
            self.sealed.push_back((at, self.open.split().freeze()));
        }
    }
}
