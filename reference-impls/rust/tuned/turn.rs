use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{timeout, Instant};

use super::outbox::Outbox;
use super::room::Room;
use super::runtime::write_delay;

/// As much, of all rooms and connections, does not wait for more: half of what may wait for one of
/// them, so that nobody looks slow for having been made to wait.
pub const ENOUGH_BYTES: usize = 1 << 19;
/// For how long the end of a turn may keep all others from theirs.
const TURN_END_MAX: Duration = Duration::from_millis(50);

/// Who has something to be written. The first of them spawns the end of the turn: a task that runs
/// behind all those that are ready by then, so what they say is written together.
#[derive(Default)]
pub struct Turns {
    due: Mutex<Due>,
    /// What was said in this turn.
    said_bytes: AtomicUsize,
    enough: Notify,
}

#[derive(Default)]
struct Due {
    rooms: Vec<Arc<Room>>,
    outboxes: Vec<Arc<Outbox>>,
    /// The end of this turn is a task already.
    is_spawned: bool,
}

impl Turns {
    pub fn add_room(self: &Arc<Self>, room: &Arc<Room>) {
        self.add(|due| due.rooms.push(room.clone()));
    }

    pub fn add_outbox(self: &Arc<Self>, outbox: &Arc<Outbox>) {
        self.add(|due| due.outboxes.push(outbox.clone()));
    }

    /// So many bytes more wait for the end of this turn.
    pub fn has_said(&self, bytes: usize) {
        let before = self.said_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before < ENOUGH_BYTES && before + bytes >= ENOUGH_BYTES {
            self.enough.notify_one();
        }
    }

    fn add(self: &Arc<Self>, push: impl FnOnce(&mut Due)) {
        let mut due = self.lock();
        push(&mut due);
        if !mem::replace(&mut due.is_spawned, true) {
            drop(due);
            drop(tokio::spawn(self.clone().end()));
        }
    }

    async fn end(self: Arc<Self>) {
        let delay = write_delay();
        if !delay.is_zero() {
            let _ = timeout(delay, self.enough.notified()).await;
        } else if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
            // One worker of several runs first what it spawned last: this turn would be one task.
            yield_now().await;
        }
        // Taken as a whole: what comes from now on is the next turn's.
        let Due { rooms, outboxes, .. } = mem::take(&mut *self.lock());
        self.said_bytes.store(0, Ordering::Relaxed);
        let mut pace = Pace::new();
        for room in rooms {
            room.write(&mut pace, &self).await;
        }
        for outbox in outboxes {
            outbox.write();
            pace.keep().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Due> {
        self.due.lock().expect("nothing panics while it is locked")
    }
}

/// Lets others have their turn from time to time.
pub struct Pace {
    since: Instant,
    steps: u32,
}

impl Pace {
    const STEPS: u32 = 32;

    fn new() -> Self {
        Self { since: Instant::now(), steps: 0 }
    }

    pub async fn keep(&mut self) {
        self.steps += 1;
        if self.steps % Self::STEPS == 0 && self.since.elapsed() > TURN_END_MAX {
            yield_now().await;
            self.since = Instant::now();
        }
    }
}
