// The primary of the `workers` variant: it starts workers, replaces those that die, and sends every
// request to all of them in one order. It keeps who is where for workers that come later.

import cluster from 'node:cluster';
import process from 'node:process';

import { ROOMS_PER_CONNECTION_MAX } from './chat.js';
import { Outbox } from './outbox.js';

// Answered to one connection, and nothing changes by them: no other worker needs to know.
const LOCAL = new Set(['heartbeat', 'refuse']);
// Workers end by themselves within three seconds.
const SHUTDOWN_GRACE_MS = 4000;

export class Primary {
  #count;
  #outboxes = new Map(); // by worker
  #listening = new Set(); // workers
  #connections = new Map(); // id -> { worker, user, rooms }
  #stopping = false;

  constructor(count) {
    this.#count = count;
    cluster.on('message', (worker, news) => this.#onNews(worker, news));
    cluster.on('listening', (worker) => this.#onListening(worker));
    cluster.on('exit', (worker, code) => this.#onExit(worker, code));
    // The others follow once it listens: a port in use is said by one.
    cluster.fork();
  }

  stop() {
    this.#stopping = true;
    setTimeout(() => process.exit(0), SHUTDOWN_GRACE_MS);
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM');
  }

  #onNews(worker, { ready = false, asked = [] }) {
    if (ready) this.#brief(worker);
    for (const request of asked) this.#order(worker, request);
  }

  /** A new worker first hears what the others know. */
  #brief(worker) {
    const outbox = new Outbox((ordered) => {
      if (worker.isConnected()) worker.send({ ordered });
    });
    for (const [id, { user, rooms }] of this.#connections) {
      outbox.put(['connect', id, { user }]);
      for (const room of rooms) outbox.put(['join', id, { room }]);
    }
    this.#outboxes.set(worker, outbox);
  }

  #order(worker, request) {
    const [verb, id, fields] = request;
    if (LOCAL.has(verb)) {
      this.#outboxes.get(worker)?.put(request);
      return;
    }
    this.#note(worker, verb, id, fields);
    for (const outbox of this.#outboxes.values()) outbox.put(request);
  }

  #note(worker, verb, id, { user, room }) {
    if (verb === 'connect') this.#connections.set(id, { worker, user, rooms: new Set() });
    if (verb === 'disconnect') this.#connections.delete(id);
    const rooms = this.#connections.get(id)?.rooms;
    if (verb === 'leave') rooms?.delete(room);
    if (verb === 'join' && rooms?.size < ROOMS_PER_CONNECTION_MAX) rooms.add(room);
  }

  #onListening(worker) {
    this.#listening.add(worker);
    if (this.#listening.size === 1) {
      for (let number = 1; number < this.#count; ++number) cluster.fork();
    }
    if (this.#listening.size < this.#count) return;
    const workers = [...this.#listening].map((each) => each.process.pid);
    for (const each of this.#listening) each.send({ workers });
  }

  #onExit(worker, code) {
    const hadListened = this.#listening.delete(worker);
    this.#outboxes.delete(worker);
    if (this.#stopping) {
      if (Object.keys(cluster.workers).length === 0) process.exit(0);
      return;
    }
    // It has said why; another one would fail in the same way.
    if (!hadListened) process.exit(code || 1);
    for (const [id, connection] of this.#connections) {
      if (connection.worker === worker) this.#order(worker, ['disconnect', id, {}]);
    }
    cluster.fork();
  }
}
