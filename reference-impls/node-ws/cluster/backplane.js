// What a node has of Redis: one connection that publishes, one that is subscribed to the channels
// in which somebody here is interested, and nothing else of it.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';

import { Redis } from 'ioredis';

// Before the message stand the id of the node that publishes, and the number of an announcement.
const NODE_BYTES = 8;
const HEAD_BYTES = NODE_BYTES + 4;
/** In place of a node's own id: the publication is for its publisher's clients, too. */
const NO_NODE = Buffer.alloc(NODE_BYTES);
const NO_ANNOUNCEMENT = 0;
const NO_NUMBER = Buffer.alloc(HEAD_BYTES - NODE_BYTES);
const NUMBER_MAX = 2 ** 32 - 1;
// Redis may stand still for a while, as where it writes a snapshot: what was published waits. A
// connection on which nothing comes for longer than this is taken for dead.
const SILENCE_MAX_MS = 10_000;
const PING_EVERY_MS = 2000;
// What may wait for Redis meanwhile; more is refused to whoever says it.
const PENDING_BYTES_MAX = 16 * 1024 * 1024;
const RETRY_MAX_MS = 1000;
const CHANNELS_AT_ONCE = 1000;

const OPTIONS = {
  // What is published in one turn of the event loop goes in one write.
  enableAutoPipelining: true,
  // At most once: what Redis has not answered when a connection ends may have been delivered.
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResubscribe: false,
  socketTimeout: SILENCE_MAX_MS,
  connectTimeout: SILENCE_MAX_MS,
  retryStrategy: (times) => Math.min(25 * 2 ** times, RETRY_MAX_MS) * (0.75 + Math.random() / 2),
};

const ignore = () => {};

export class Backplane {
  /** Called with the channel and the bytes of what other nodes publish. */
  onPublication = ignore;
  #node = randomBytes(NODE_BYTES);
  #publisher;
  #subscriber;
  #interests = new Map(); // channel -> { holders, standing: a promise until it stands }
  #releases = new Map(); // channel -> promise, until Redis has forgotten it
  #announcements = new Map(); // number -> onHeard
  #lastAnnouncement = NO_ANNOUNCEMENT;
  #isSubscribed = false;
  #wasUp = false;
  #pendingBytes = 0;

  constructor(url) {
    this.#publisher = new Redis(url, OPTIONS);
    // A subscription may go out ahead of ioredis' question whether Redis is ready, which then
    // fails, and the process with it: it is not asked.
    this.#subscriber = new Redis(url, { ...OPTIONS, enableReadyCheck: false });
    for (const redis of [this.#publisher, this.#subscriber]) {
      redis.on('error', (error) => this.#report(error.message));
      redis.on('close', () => this.#report('the connection ended'));
      redis.on('ready', () => this.#report());
      setInterval(() => redis.ping().catch(ignore), PING_EVERY_MS).unref();
    }
    this.#subscriber.on('ready', () => this.#subscribeAll());
    this.#subscriber.on('close', () => this.#onDeaf());
    this.#subscriber.on('messageBuffer', (channel, bytes) => this.#onMessage(channel, bytes));
  }

  get isUp() {
    return this.#publisher.status === 'ready' && this.#isSubscribed;
  }

  /** Returns a promise until the subscription stands. Without Redis nobody waits for it. */
  hold(channel) {
    const known = this.#interests.get(channel);
    if (known !== undefined) {
      known.holders += 1;
      return known.standing;
    }
    const interest = { holders: 1, standing: undefined };
    this.#interests.set(channel, interest);
    if (this.#subscriber.status !== 'ready') return undefined;
    interest.standing = this.#subscriber
      .subscribe(channel)
      .catch(ignore) // The connection ended, and the next one subscribes again.
      .then(() => (interest.standing = undefined));
    return interest.standing;
  }

  release(channel) {
    const interest = this.#interests.get(channel);
    interest.holders -= 1;
    if (interest.holders > 0) return;
    this.#interests.delete(channel);
    const released = this.#subscriber
      .unsubscribe(channel)
      .catch(ignore)
      .then(() => {
        if (this.#releases.get(channel) === released) this.#releases.delete(channel);
      });
    this.#releases.set(channel, released);
  }

  /** Once Redis does not count this node among those who hear a channel that it has released. */
  async released(channel) {
    await this.#releases.get(channel);
  }

  /**
   * Returns how many nodes are subscribed, this one counted. Rejects where it can't be known that
   * it has left.
   */
  publish(channel, message, { toAll = false } = {}) {
    return this.#send(channel, toAll ? NO_NODE : this.#node, NO_ANNOUNCEMENT, message);
  }

  /**
   * Publishes as well. `onHeard` is called when the publication has come back, before anything that
   * comes after it; or with false where it can't be known that it has left.
   */
  announce(channel, message, onHeard) {
    if (!this.isUp) return onHeard(false);
    const number = (this.#lastAnnouncement % NUMBER_MAX) + 1;
    this.#lastAnnouncement = number;
    this.#announcements.set(number, onHeard);
    this.#send(channel, this.#node, number, message).catch(() => this.#settle(number, false));
  }

  #settle(number, isHeard) {
    const onHeard = this.#announcements.get(number);
    if (this.#announcements.delete(number)) onHeard(isHeard);
  }

  async #send(channel, node, number, message) {
    if (this.#pendingBytes > PENDING_BYTES_MAX) throw new Error('too much waits for Redis');
    const bytes = Buffer.concat([node, NO_NUMBER, message]);
    bytes.writeUInt32BE(number, NODE_BYTES);
    this.#pendingBytes += bytes.length;
    try {
      return await this.#publisher.publish(channel, bytes);
    } finally {
      this.#pendingBytes -= bytes.length;
    }
  }

  /** Once all that was to be published has left, as far as there is Redis. */
  async end() {
    await Promise.all(this.#releases.values());
    await this.#publisher.ping().catch(ignore);
  }

  #onMessage(channel, bytes) {
    if (bytes.compare(this.#node, 0, NODE_BYTES, 0, NODE_BYTES) === 0) {
      this.#settle(bytes.readUInt32BE(NODE_BYTES), true);
    } else {
      this.onPublication(channel.toString(), bytes.subarray(HEAD_BYTES));
    }
  }

  /** What was announced can't come back any more. */
  #onDeaf() {
    this.#isSubscribed = false;
    for (const number of this.#announcements.keys()) this.#settle(number, false);
  }

  async #subscribeAll() {
    const channels = [...this.#interests.keys()];
    const asked = [];
    for (let at = 0; at < channels.length; at += CHANNELS_AT_ONCE) {
      asked.push(this.#subscriber.subscribe(...channels.slice(at, at + CHANNELS_AT_ONCE)));
    }
    try {
      await Promise.all(asked);
      this.#isSubscribed = true;
      this.#report();
    } catch {
      // This connection has ended as well.
    }
  }

  /** One line whenever it changes. */
  #report(why = '') {
    if (this.isUp === this.#wasUp) return;
    this.#wasUp = this.isUp;
    console.error(`node-ws: the backplane is ${this.isUp ? 'up' : `down: ${why}`}`);
  }
}
