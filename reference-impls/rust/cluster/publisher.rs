use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Pipeline, RedisResult};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{oneshot, Notify};
use uuid::Uuid;

use super::NodeId;
use crate::connection::Encoded;

/// What may wait for Redis; more is refused to whoever says it.
const WAITING_BYTES_MAX: usize = 16 << 20;
const BATCH_MAX: usize = 1_000;
/// For how long Redis may stand still, as where it writes a snapshot: what is published waits.
pub const SILENCE_MAX: Duration = Duration::from_secs(10);
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

type Done = Box<dyn FnOnce(Option<u64>) + Send>;

pub struct Publication {
    channel: String,
    text: Vec<u8>,
    number: u32,
    to_all: bool,
    after: Option<oneshot::Receiver<()>>,
}

impl Publication {
    pub fn of(channel: String, message: &Encoded) -> Self {
        let text = message.to_text().unwrap_or_default().into();
        Self { channel, text, number: 0, to_all: false, after: None }
    }

    /// An announcement.
    pub fn numbered(self, number: u32) -> Self {
        Self { number, ..self }
    }

    /// Its node's own clients are to hear it as well.
    pub fn for_everyone(self) -> Self {
        Self { to_all: true, ..self }
    }

    pub fn after(self, settled: oneshot::Receiver<()>) -> Self {
        Self { after: Some(settled), ..self }
    }

    fn bytes(&self, node: NodeId) -> Vec<u8> {
        let node = if self.to_all { NodeId::default() } else { node };
        [&node[..], &self.number.to_be_bytes(), &self.text].concat()
    }
}

/// Sends what waits in one pipeline, and waits for its answers: so the order stays.
pub struct Publisher {
    pub node: NodeId,
    queue: UnboundedSender<(Publication, Done)>,
    waiting: Mutex<Option<UnboundedReceiver<(Publication, Done)>>>,
    open: Arc<Open>,
}

/// Publications without an answer, and whether their connection is likely to have ended.
#[derive(Default)]
struct Open {
    count: AtomicUsize,
    bytes: AtomicUsize,
    none: Notify,
    is_stale: AtomicBool,
}

impl Default for Publisher {
    fn default() -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let random = Uuid::new_v4().into_bytes();
        let node = NodeId::try_from(&random[8..]).expect("half of a UUID");
        Self { node, queue, waiting: Mutex::new(Some(waiting)), open: Arc::default() }
    }
}

impl Publisher {
    pub fn start(&self, client: Client) {
        let waiting = self.waiting.lock().expect("no panic").take().expect("started once");
        tokio::spawn(run(client, waiting, self.node, self.open.clone()));
    }

    /// `done` is told how many nodes hear that channel, or nothing where it may not have left.
    pub fn publish(
        &self,
        mut publication: Publication,
        done: impl FnOnce(Option<u64>) + Send + 'static,
    ) {
        if self.open.bytes.load(Ordering::Relaxed) > WAITING_BYTES_MAX {
            return done(None);
        }
        self.open.count.fetch_add(1, Ordering::Relaxed);
        self.open.bytes.fetch_add(publication.text.len(), Ordering::Relaxed);
        let (queue, after) = (self.queue.clone(), publication.after.take());
        let waiting = (publication, Box::new(done) as Done);
        match after {
            None => drop(queue.send(waiting)),
            Some(settled) => drop(tokio::spawn(async move {
                let _ = settled.await;
                let _ = queue.send(waiting);
            })),
        }
    }

    /// Redis was lost elsewhere: what is published next is not to find that out.
    pub fn doubt(&self) {
        self.open.is_stale.store(true, Ordering::Relaxed);
    }

    /// Once Redis has answered all of them.
    pub async fn finished(&self) {
        while self.open.count.load(Ordering::Relaxed) > 0 {
            self.open.none.notified().await;
        }
    }
}

async fn run(
    client: Client,
    mut waiting: UnboundedReceiver<(Publication, Done)>,
    node: NodeId,
    open: Arc<Open>,
) {
    let mut batch = Vec::new();
    let mut connection = None;
    while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
        if open.is_stale.swap(false, Ordering::Relaxed) {
            connection = None;
        }
        let answers = send(&client, &mut connection, pipeline(&batch, node)).await;
        if answers.is_err() {
            // What it has not answered may have been delivered: it is not sent again.
            connection = None;
        }
        let mut answers = answers.unwrap_or_default().into_iter();
        for (publication, done) in batch.drain(..) {
            done(answers.next());
            open.bytes.fetch_sub(publication.text.len(), Ordering::Relaxed);
            if open.count.fetch_sub(1, Ordering::Relaxed) == 1 {
                open.none.notify_one();
            }
        }
    }
}

fn pipeline(batch: &[(Publication, Done)], node: NodeId) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(batch.len());
    for (publication, _) in batch {
        pipeline.cmd("PUBLISH").arg(&publication.channel).arg(publication.bytes(node));
    }
    pipeline
}

async fn send(
    client: &Client,
    connection: &mut Option<MultiplexedConnection>,
    publications: Pipeline,
) -> RedisResult<Vec<u64>> {
    let connection = match connection {
        Some(open) => open,
        None => connection.insert(connect(client).await?),
    };
    publications.query_async(connection).await
}

async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(SILENCE_MAX));
    client.get_multiplexed_async_connection_with_config(&config).await
}
