use std::collections::HashMap;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use futures_util::{future, StreamExt};
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Client, RedisError, RedisResult};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::time::{interval, sleep, timeout};

use super::publisher::{CONNECT_TIMEOUT, SILENCE_MAX};
use super::{NodeId, HEAD_BYTES};

const BATCH_MAX: usize = 1_000;
const PING_EVERY: Duration = Duration::from_secs(2);
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// A connection that ends before was none.
const STEADY_AFTER: Duration = Duration::from_secs(2);

type OnHeard = Box<dyn FnOnce(bool) + Send>;

/// Who is interested in a channel: one more, one less, or as many as before. The answer comes once
/// Redis knows of it, or there is no Redis.
struct Wish {
    channel: String,
    change: isize,
    known: oneshot::Sender<()>,
}

/// Is subscribed to what somebody here is interested in, and to nothing else.
pub struct Subscriber {
    wishes: UnboundedSender<Wish>,
    waiting: Mutex<Option<UnboundedReceiver<Wish>>>,
    announced: Mutex<HashMap<u32, OnHeard>>,
    last: AtomicU32,
    up: AtomicBool,
    was_down: AtomicBool,
}

impl Default for Subscriber {
    fn default() -> Self {
        let (wishes, waiting) = mpsc::unbounded_channel();
        Self {
            wishes,
            waiting: Mutex::new(Some(waiting)),
            announced: Mutex::default(),
            last: AtomicU32::new(0),
            up: AtomicBool::new(false),
            was_down: AtomicBool::new(false),
        }
    }
}

/// Forgets what was not settled when nobody waits for it any more.
pub struct Announcement {
    pub number: u32,
    subscriber: Arc<Subscriber>,
}

impl Drop for Announcement {
    fn drop(&mut self) {
        self.subscriber.announced().remove(&self.number);
    }
}

impl Subscriber {
    pub fn start(
        self: &Arc<Self>,
        client: Client,
        node: NodeId,
        news: News<
            impl Fn(&str, String) + Send + Sync + 'static,
            impl Fn() + Send + Sync + 'static,
        >,
    ) {
        let waiting = self.waiting.lock().expect("no panic").take().expect("started once");
        let subscription = Subscription {
            subscriber: self.clone(),
            client,
            node,
            news,
            waiting,
            holders: HashMap::new(),
        };
        tokio::spawn(subscription.run());
    }

    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    pub fn hold(&self, channel: String) -> oneshot::Receiver<()> {
        self.wish(channel, 1)
    }

    pub fn release(&self, channel: String) {
        drop(self.wish(channel, -1));
    }

    /// Once Redis knows all that was wished of it.
    pub fn settled(&self, channel: String) -> oneshot::Receiver<()> {
        self.wish(channel, 0)
    }

    fn wish(&self, channel: String, change: isize) -> oneshot::Receiver<()> {
        let (known, knowing) = oneshot::channel();
        let _ = self.wishes.send(Wish { channel, change, known });
        knowing
    }

    /// `on_heard` is called when the announcement has come back, before anything that was published
    /// after it; or with false, where that can't be waited for.
    pub fn announce(
        self: &Arc<Self>,
        on_heard: impl FnOnce(bool) + Send + 'static,
    ) -> Announcement {
        let mut number = self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        if number == 0 {
            number = self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        }
        self.announced().insert(number, Box::new(on_heard));
        if !self.is_up() {
            self.settle(number, false);
        }
        Announcement { number, subscriber: self.clone() }
    }

    /// Called with the lock held: whoever forgets an announcement then finds it done or undone.
    pub fn settle(&self, number: u32, heard: bool) {
        let mut announced = self.announced();
        if let Some(on_heard) = announced.remove(&number) {
            on_heard(heard);
        }
    }

    fn announced(&self) -> MutexGuard<'_, HashMap<u32, OnHeard>> {
        self.announced.lock().expect("no panic while it is held")
    }

    /// That it could be reached from the start needs no word.
    fn rise(&self) {
        self.up.store(true, Ordering::Relaxed);
        if self.was_down.swap(false, Ordering::Relaxed) {
            eprintln!("chat-rust: the backplane is up again");
        }
    }

    /// Nobody waits for what can't come any more.
    fn fall(&self) {
        if !self.up.swap(false, Ordering::Relaxed) {
            return;
        }
        self.was_down.store(true, Ordering::Relaxed);
        eprintln!("chat-rust: the backplane is down");
        let numbers: Vec<_> = self.announced().keys().copied().collect();
        numbers.into_iter().for_each(|number| self.settle(number, false));
    }
}

/// What is told of other nodes' publications, and that the connection was lost.
pub struct News<Tell, Lost> {
    pub tell: Tell,
    pub lost: Lost,
}

/// The connection that is subscribed, and what it is to be subscribed to.
struct Subscription<Tell, Lost> {
    subscriber: Arc<Subscriber>,
    client: Client,
    node: NodeId,
    news: News<Tell, Lost>,
    waiting: UnboundedReceiver<Wish>,
    holders: HashMap<String, isize>,
}

impl<Tell: Fn(&str, String), Lost: Fn()> Subscription<Tell, Lost> {
    async fn run(mut self) {
        let mut pause = RETRY_MIN;
        loop {
            let began = Instant::now();
            if let Ok(Ok(pubsub)) = timeout(CONNECT_TIMEOUT, self.client.get_async_pubsub()).await {
                let (sink, stream) = pubsub.split();
                let (subscriber, node) = (self.subscriber.clone(), self.node);
                let Self { waiting, holders, news, .. } = &mut self;
                tokio::select! {
                    () = listen(stream, &subscriber, node, &news.tell) => {}
                    _ = carry_out(sink, waiting, holders, &subscriber) => {}
                }
                (self.news.lost)();
                subscriber.fall();
                if began.elapsed() > STEADY_AFTER {
                    pause = RETRY_MIN;
                }
            }
            self.serve_without_redis(jittered(pause)).await;
            pause = RETRY_MAX.min(2 * pause);
        }
    }

    /// Notes what is wished for the next connection.
    async fn serve_without_redis(&mut self, pause: Duration) {
        let noting = async {
            while let Some(wish) = self.waiting.recv().await {
                note(&mut self.holders, &wish);
                let _ = wish.known.send(());
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = noting => {}
        }
    }
}

fn note(holders: &mut HashMap<String, isize>, wish: &Wish) {
    let count = holders.entry(wish.channel.clone()).or_default();
    *count += wish.change;
    if *count == 0 {
        holders.remove(&wish.channel);
    }
}

async fn listen(
    mut stream: PubSubStream,
    subscriber: &Subscriber,
    node: NodeId,
    tell: &impl Fn(&str, String),
) {
    while let Some(message) = stream.next().await {
        let Some((head, text)) = message.get_payload_bytes().split_at_checked(HEAD_BYTES) else {
            continue;
        };
        let (from, number) = head.split_at(node.len());
        if from == node {
            let number = number.try_into().map(u32::from_be_bytes).expect("four bytes are left");
            subscriber.settle(number, true);
        } else if let Ok(text) = String::from_utf8(text.to_vec()) {
            tell(message.get_channel_name(), text);
        }
    }
}

/// Subscribes to all that was wished before, then does what is wished, until the connection ends.
async fn carry_out(
    mut sink: PubSubSink,
    waiting: &mut UnboundedReceiver<Wish>,
    holders: &mut HashMap<String, isize>,
    subscriber: &Subscriber,
) -> RedisResult<()> {
    let wanted: Vec<_> = holders.keys().map(|channel| (channel.clone(), true)).collect();
    for some in wanted.chunks(BATCH_MAX) {
        subscribe(&sink, some).await?;
    }
    subscriber.rise();
    let mut ping = interval(PING_EVERY);
    let mut wishes = Vec::new();
    loop {
        tokio::select! {
            _ = waiting.recv_many(&mut wishes, BATCH_MAX) => {
                let before: HashMap<_, _> = wishes
                    .iter()
                    .map(|wish| (wish.channel.clone(), holders.contains_key(&wish.channel)))
                    .collect();
                wishes.iter().for_each(|wish| note(holders, wish));
                let changed: Vec<_> = before
                    .into_iter()
                    .map(|(channel, was)| (holders.contains_key(&channel), was, channel))
                    .filter_map(|(is, was, channel)| (is != was).then_some((channel, is)))
                    .collect();
                subscribe(&sink, &changed).await?;
                for wish in wishes.drain(..) {
                    let _ = wish.known.send(());
                }
            }
            _ = ping.tick() => in_time(sink.ping::<redis::Value>()).await.map(drop)?,
        }
    }
}

/// To each channel alone, or away from it: the library counts one answer a command, but Redis gives
/// one a channel. All of them are on their way at once.
async fn subscribe(sink: &PubSubSink, changes: &[(String, bool)]) -> RedisResult<()> {
    let asked = changes.iter().map(|(channel, wanted)| {
        let mut sink = sink.clone();
        async move {
            match wanted {
                true => sink.subscribe(channel).await,
                false => sink.unsubscribe(channel).await,
            }
        }
    });
    in_time(future::try_join_all(asked)).await.map(drop)
}

async fn in_time<T>(asked: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let silent = |_| RedisError::from((redis::ErrorKind::Io, "Redis is silent"));
    timeout(SILENCE_MAX, asked).await.map_err(silent)?
}

/// Half to three halves of it: nodes shall not come back all at once.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(pause);
    pause / 2 + pause.mul_f64(random as f64 / u64::MAX as f64)
}
