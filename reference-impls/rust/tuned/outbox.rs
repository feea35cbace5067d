use std::io::IoSlice;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_util::sync::CancellationToken;

const PENDING_BYTES_MAX: usize = 1 << 20;

/// Whole frames, encoded once: clones for all who are told the same share them.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded(Arc<[u8]>);

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
        Self(frames.into())
    }
}

/// Where frames wait until a connection has written them. Nobody who delivers ever waits.
pub struct Outbox {
    waiting: Mutex<Waiting>,
    /// Too much waits, or the server stops.
    pub ended: CancellationToken,
}

struct Waiting {
    frames: Vec<Encoded>,
    /// Of these frames, and of those that the connection has taken but not written yet.
    bytes: usize,
    /// The connection wants to be woken once as many bytes wait.
    wake_at: usize,
    connection: Waker,
}

impl Outbox {
    pub fn new(stopping: &CancellationToken) -> Arc<Self> {
        let connection = Waker::noop().clone();
        let waiting = Waiting { frames: Vec::new(), bytes: 0, wake_at: usize::MAX, connection };
        Arc::new(Self { waiting: Mutex::new(waiting), ended: stopping.child_token() })
    }

    pub fn deliver(&self, frame: Encoded) {
        let mut waiting = self.lock();
        if waiting.bytes + frame.0.len() > PENDING_BYTES_MAX {
            drop(waiting);
            self.ended.cancel();
        } else {
            waiting.push(frame);
        }
    }

    /// Even if too much waits already: a close frame.
    pub fn deliver_last(&self, frame: Encoded) {
        self.lock().push(frame);
    }

    /// Ready if at least so many bytes wait. If not, their arrival wakes the connection.
    pub fn poll_waiting(&self, cx: &Context, bytes: usize) -> Poll<()> {
        self.lock().poll(cx, bytes)
    }

    /// Takes all that wait into an empty batch, if it is at least so many bytes.
    pub fn poll_take(&self, cx: &Context, bytes: usize, batch: &mut Batch) -> Poll<()> {
        let mut waiting = self.lock();
        waiting.poll(cx, bytes).map(|()| batch.frames = std::mem::take(&mut waiting.frames))
    }

    pub fn written(&self, bytes: usize) {
        self.lock().bytes -= bytes;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("nothing panics while it is locked")
    }
}

impl Waiting {
    fn push(&mut self, frame: Encoded) {
        self.bytes += frame.0.len();
        self.frames.push(frame);
        if self.bytes >= self.wake_at {
            self.wake_at = usize::MAX;
            self.connection.wake_by_ref();
        }
    }

    fn poll(&mut self, cx: &Context, bytes: usize) -> Poll<()> {
        if self.bytes >= bytes {
            return Poll::Ready(());
        }
        self.wake_at = bytes;
        self.connection.clone_from(cx.waker());
        Poll::Pending
    }
}

/// What a connection writes at a time.
#[derive(Default)]
pub struct Batch {
    frames: Vec<Encoded>,
    /// Frames that are written, and bytes of the next one.
    written: (usize, usize),
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The first of what is left to write, and how many slices that makes.
    pub fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let left = &self.frames[self.written.0..];
        for (slice, frame) in slices.iter_mut().zip(left) {
            *slice = IoSlice::new(&frame.0);
        }
        slices[0] = IoSlice::new(&left[0].0[self.written.1..]);
        left.len().min(slices.len())
    }

    pub fn advance(&mut self, bytes: usize) {
        let (mut frames, mut rest) = (self.written.0, self.written.1 + bytes);
        while self.frames.get(frames).is_some_and(|frame| rest >= frame.0.len()) {
            rest -= self.frames[frames].0.len();
            frames += 1;
        }
        self.written = (frames, rest);
        if frames == self.frames.len() {
            *self = Self::default();
        }
    }
}
