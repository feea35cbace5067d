use std::io::{self, ErrorKind, IoSlice};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{ready, Context, Poll, Waker};

use bytes::Bytes;
use tokio::net::tcp::OwnedWriteHalf;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_util::sync::CancellationToken;

use super::room::Room;
use super::turn::Turns;
use super::waiting::Waiting;

const PENDING_BYTES_MAX: usize = 1 << 20;
const WRITE_PIECES_MAX: usize = 64;

/// Whole frames, encoded once: clones for all who are told the same share them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Encoded(Bytes);

impl From<String> for Encoded {
    fn from(text: String) -> Self {
        Frame::message(text, OpCode::Data(Data::Text), true).into()
    }
}

impl From<Frame> for Encoded {
    fn from(frame: Frame) -> Self {
        let mut bytes = Vec::with_capacity(frame.len());
        frame.format(&mut bytes).expect("a vector takes all");
        Self(bytes.into())
    }
}

impl AsRef<[u8]> for Encoded {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Encoded {
    fn from(frames: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(frames))
    }
}

/// What waits for a connection, and the half of its socket that takes it. Nobody who delivers ever
/// waits.
pub struct Outbox {
    state: Mutex<State>,
    turns: Arc<Turns>,
    is_held_back: AtomicBool,
    /// Too much waits, or the server stops.
    pub ended: CancellationToken,
}

struct State {
    waiting: Waiting,
    /// None once the connection has ended.
    socket: Option<OwnedWriteHalf>,
    /// The socket is full: the connection's own task goes on when it can take more.
    is_full: bool,
    /// It is among those that are written at the end of the turn.
    is_due: bool,
    connection: Waker,
}

impl Outbox {
    pub fn new(socket: OwnedWriteHalf, turns: &Arc<Turns>, stop: &CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                waiting: Waiting::default(),
                socket: Some(socket),
                is_full: false,
                is_due: false,
                connection: Waker::noop().clone(),
            }),
            turns: turns.clone(),
            is_held_back: AtomicBool::new(false),
            ended: stop.child_token(),
        })
    }

    /// It is written at the end of the turn, but for a connection to which so much is said in one
    /// turn that it would look slow.
    pub fn deliver(self: &Arc<Self>, frames: Encoded) {
        let (mut state, length) = (self.lock(), frames.0.len());
        if state.waiting.bytes() + length > PENDING_BYTES_MAX {
            state.write_or_wake();
            if state.waiting.bytes() + length > PENDING_BYTES_MAX {
                return self.ended.cancel();
            }
        }
        state.waiting.push(frames.0);
        self.fall_due(state);
        self.turns.has_said(length);
    }

    fn fall_due(self: &Arc<Self>, mut state: MutexGuard<State>) {
        let was_due = std::mem::replace(&mut state.is_due, true);
        drop(state);
        if !was_due {
            self.turns.add_outbox(self);
        }
    }

    /// Even if too much waits already: a close frame.
    pub fn deliver_last(&self, frame: Encoded) {
        self.lock().waiting.push(frame.0);
    }

    pub fn join(self: &Arc<Self>, room: &Arc<Room>, news: &[u8], turns: &Arc<Turns>) {
        let mut state = self.lock();
        let at = room.add(self, news, turns);
        state.waiting.sit_down(room.clone(), at);
    }

    /// What the room has said so far is still written, though not with the others of the room.
    pub fn leave(self: &Arc<Self>, room: &Arc<Room>) {
        let mut state = self.lock();
        state.waiting.stand_up(room);
        if state.waiting.bytes() > 0 {
            self.fall_due(state);
        }
    }

    /// As much as the socket takes of what waits.
    pub fn write(&self) {
        let mut state = self.lock();
        state.is_due = false;
        self.write_locked(&mut state);
    }

    /// The same. Returns from where on it needs the log of a room that it is in.
    pub fn write_from(&self, room: &Arc<Room>) -> Option<u64> {
        let mut state = self.lock();
        self.write_locked(&mut state);
        state.waiting.position(room)
    }

    fn write_locked(&self, state: &mut State) {
        state.write_or_wake();
        if state.waiting.bytes() > PENDING_BYTES_MAX {
            self.ended.cancel();
        }
    }

    /// For the connection's own task, which is woken once the socket is full. Ready if it is not.
    pub fn poll_full(&self, cx: &mut Context) -> Poll<()> {
        let mut state = self.lock();
        state.connection.clone_from(cx.waker());
        if !state.is_full {
            return Poll::Ready(());
        }
        ready!(state.poll_write(cx));
        state.waiting.rooms().for_each(|room| room.look_after(&self.turns));
        Poll::Ready(())
    }

    /// Ready once all is written.
    pub fn poll_write(&self, cx: &mut Context) -> Poll<()> {
        self.lock().poll_write(cx)
    }

    /// Nothing is written any more from then on.
    pub fn take_socket(&self) -> Option<OwnedWriteHalf> {
        self.lock().socket.take()
    }

    /// Too much was said in this turn where its client spoke.
    pub fn hold_back(&self) {
        self.is_held_back.store(true, Ordering::Relaxed);
    }

    /// Whether it was, since the last call.
    pub fn was_held_back(&self) -> bool {
        self.is_held_back.load(Ordering::Relaxed)
            && self.is_held_back.swap(false, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it is locked")
    }
}

impl State {
    /// Until nothing waits or the socket is full. If it fails all is discarded: what the client
    /// sent before it left is there to be read.
    fn write(&mut self) {
        let mut pieces = Vec::new();
        while !self.is_full {
            self.waiting.refer(WRITE_PIECES_MAX, &mut pieces);
            if pieces.is_empty() {
                return;
            }
            let Some(socket) = &self.socket else { return self.waiting.discard() };
            match write_once(socket, &pieces) {
                Ok(written) => {
                    self.waiting.advance(written);
                    self.is_full = written < pieces.iter().map(Bytes::len).sum();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_full = true,
                Err(_) => return self.waiting.discard(),
            }
            pieces.clear();
        }
    }

    /// The same for others than the connection's own task, which goes on once the socket is full.
    fn write_or_wake(&mut self) {
        if !self.is_full {
            self.write();
            if self.is_full {
                self.connection.wake_by_ref();
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context) -> Poll<()> {
        loop {
            if self.is_full {
                let Some(socket) = &self.socket else { return Poll::Ready(()) };
                // A socket that has failed is ready, too.
                let _ = ready!(socket.as_ref().poll_write_ready(cx));
                self.is_full = false;
            }
            self.write();
            if !self.is_full {
                return Poll::Ready(());
            }
        }
    }
}

/// In one system call. What is in one piece needs no list.
fn write_once(socket: &OwnedWriteHalf, pieces: &[Bytes]) -> io::Result<usize> {
    if let [piece] = pieces {
        return socket.try_write(piece);
    }
    let mut slices = [IoSlice::new(&[]); WRITE_PIECES_MAX];
    for (slice, piece) in slices.iter_mut().zip(pieces) {
        *slice = IoSlice::new(piece);
    }
    socket.try_write_vectored(&slices[..pieces.len()])
}
