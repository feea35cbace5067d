// Redis, as Socket.IO's sharded adapter uses it: a channel for each room, to which a node is
// subscribed while somebody of it is in there.

import { createShardedAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';

// Redis may stand still for a while, as where it writes a snapshot: what was published waits. A
// connection on which nothing comes for longer than this is taken for dead.
const SILENCE_MAX_MS = 10_000;
const PING_EVERY_MS = 2000;
const RETRY_MAX_MS = 1000;
const EVENT = 2; // The type of Socket.IO's packets with an event.

const COMMON = {
  socketTimeout: SILENCE_MAX_MS,
  connectTimeout: SILENCE_MAX_MS,
  retryStrategy: (times) => Math.min(25 * 2 ** times, RETRY_MAX_MS) * (0.75 + Math.random() / 2),
};
const PUBLISHER = {
  ...COMMON,
  // What is published in one turn of the event loop goes in one write.
  enableAutoPipelining: true,
  // At most once: what Redis has not answered when a connection ends may have been delivered.
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
};
// The adapter waits for no answer to what it subscribes to: it is kept for the next connection.
// A subscription may go out ahead of ioredis' question whether Redis is ready, which then fails,
// and the process with it: it is not asked.
const SUBSCRIBER = { ...COMMON, maxRetriesPerRequest: null, enableReadyCheck: false };

const ignore = () => {};

/** What the adapter publishes by. It keeps the answer to itself, and so does this for who asks. */
class Publisher {
  answer = null;
  #redis;

  constructor(redis) {
    this.#redis = redis;
  }

  spublish(channel, message) {
    this.answer = this.#redis.spublish(channel, message);
    return this.answer;
  }
}

export class Backplane {
  #publisher;
  #subscriber;
  #client;
  #adapter = null;
  #isSubscribed = false;
  #wasUp = false;
  #end = Promise.withResolvers(); // of the subscriber's connection
  #holds = 0;
  #records = new Set();

  constructor(url) {
    this.#publisher = new Redis(url, PUBLISHER);
    this.#subscriber = new Redis(url, SUBSCRIBER);
    this.#client = new Publisher(this.#publisher);
    for (const redis of [this.#publisher, this.#subscriber]) {
      redis.on('error', (error) => this.#report(error.message));
      redis.on('close', () => this.#report('the connection ended'));
      redis.on('ready', () => this.#report());
      const ping = () => redis.status === 'ready' && redis.ping().catch(ignore);
      setInterval(ping, PING_EVERY_MS).unref();
    }
    this.#subscriber.on('ready', () => this.#onReady());
    this.#subscriber.on('close', () => this.#onClose());
  }

  get isUp() {
    return this.#publisher.status === 'ready' && this.#isSubscribed;
  }

  adapt(io) {
    io.adapter(createShardedAdapter(this.#client, this.#subscriber));
    this.#adapter = io.sockets.adapter;
    const onMessage = this.#adapter.onMessage.bind(this.#adapter);
    // What adapters are built upon, and the one place where all passes that other nodes say.
    this.#adapter.onMessage = (message, ...rest) => {
      onMessage(message, ...rest);
      const { opts, packet } = message.data ?? {};
      if (message.uid !== this.#adapter.uid) this.#record(opts?.rooms?.[0], packet?.data);
    };
  }

  /** Events of these types, as [type, fields], told in a room from now on; `end()` returns them. */
  record(room, types) {
    const record = { room, types, events: [] };
    this.#records.add(record);
    const end = () => {
      this.#records.delete(record);
      return record.events;
    };
    return { end };
  }

  /** Whether somebody of this node is in there. */
  has(room) {
    return this.#adapter.rooms.has(room);
  }

  /**
   * Has the node subscribed to a room before anybody is in it, and returns what gives that up
   * again: an id that is no socket's is told nothing.
   */
  async hold(room) {
    const id = `hold ${++this.#holds}`;
    this.#adapter.addAll(id, new Set([room]));
    await this.settled();
    return () => this.#adapter.delAll(id);
  }

  /** Once Redis has done all that was asked about subscriptions, or it is not there. */
  async settled() {
    if (this.#subscriber.status !== 'ready') return;
    await Promise.race([this.#subscriber.ping().catch(ignore), this.#end.promise]);
  }

  /**
   * To all in a room, on every node: those of this one hear of it once Redis has answered, as the
   * adapter has it. Returns how many nodes are subscribed, this one counted; null where it can't be
   * known that it has left.
   */
  async tell(room, type, fields) {
    const options = { rooms: new Set([room]), except: new Set(), flags: {} };
    const event = [type, fields];
    const told = this.#adapter.broadcast({ type: EVENT, data: event }, options);
    const answer = this.#client.answer;
    await told;
    this.#record(room, event);
    return answer.catch(() => null);
  }

  #record(room, event) {
    for (const record of this.#records) {
      if (record.room === room && record.types.has(event?.[0])) record.events.push(event);
    }
  }

  async #onReady() {
    // What the connection was subscribed to before is asked for by now.
    await this.settled();
    this.#isSubscribed = this.#subscriber.status === 'ready';
    this.#report();
  }

  #onClose() {
    this.#isSubscribed = false;
    this.#end.resolve();
    this.#end = Promise.withResolvers();
  }

  /** One line whenever it changes. */
  #report(why = '') {
    if (this.isUp === this.#wasUp) return;
    this.#wasUp = this.isUp;
    console.error(`node-socketio: the backplane is ${this.isUp ? 'up' : `down: ${why}`}`);
  }
}
