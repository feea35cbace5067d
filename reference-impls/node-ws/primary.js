// The primary of the `workers` variant: it starts workers, replaces those that die, accepts for
// them, and sends every request to all of them in one order. It keeps who is where for workers that
// come later.
//
// It accepts by itself: a socket that is handed to a worker without descriptors is lost, and
// `node:cluster` then waits for that worker's answer for ever. Here a worker asks for each.

import cluster from 'node:cluster';
import { createServer } from 'node:net';
import process from 'node:process';

import { ROOMS_PER_CONNECTION_MAX } from './chat.js';
import { Outbox } from './outbox.js';

// Said to one connection, and nothing changes by them: no other worker needs to know.
const LOCAL = new Set(['heartbeat', 'refuse', 'close']);
// Workers end by themselves within three seconds.
const SHUTDOWN_GRACE_MS = 4000;

export class Primary {
  #settings;
  #count;
  #server = createServer({ pauseOnConnect: true }, (socket) => this.#onSocket(socket));
  #waiting = []; // sockets
  #free = []; // workers that asked for a socket
  #outboxes = new Map(); // by worker
  #serving = new Set(); // workers
  #connections = new Map(); // id -> { worker, user, rooms }
  #stopping = false;
  #retiring = null; // the worker that a newer one is to replace, or has replaced
  #toRetire = []; // workers

  constructor(settings, count) {
    this.#settings = settings;
    this.#count = count;
    cluster.on('message', (worker, news) => this.#onNews(worker, news));
    // A worker may die between the last look at its channel and what is written there (EPIPE), and
    // an 'error' that nobody listens to would end the primary. What is to be done comes by 'exit'.
    cluster.on('fork', (worker) => worker.on('error', () => {}));
    cluster.on('exit', (worker, code) => this.#onExit(worker, code));
  }

  listen(onError) {
    this.#server.on('error', onError);
    const { host, port, backlog } = this.#settings;
    this.#server.listen({ host, port, backlog }, () => {
      for (let number = 0; number < this.#count; ++number) cluster.fork();
    });
  }

  stop() {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#server.close();
    setTimeout(() => process.exit(0), SHUTDOWN_GRACE_MS);
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM');
    this.#endIfAlone();
  }

  /**
   * One after the other, every worker is replaced by one that runs the code as it is on the disk
   * now: the new one serves before the old one closes its connections. Asked again meanwhile,
   * nothing changes.
   */
  replaceAll() {
    if (this.#stopping || this.#retiring !== null) return;
    this.#toRetire = [...this.#serving];
    this.#replaceNext();
  }

  #replaceNext() {
    this.#retiring = this.#toRetire.shift() ?? null;
    if (this.#retiring !== null) cluster.fork();
  }

  /** Its connections end with 1012, and come back to those that serve on. */
  #retire() {
    this.#free = this.#free.filter((each) => each !== this.#retiring);
    this.#retiring.process.kill('SIGTERM');
  }

  #endIfAlone() {
    if (Object.keys(cluster.workers).length === 0) process.exit(0);
  }

  #onSocket(socket) {
    this.#waiting.push(socket);
    this.#handOut();
  }

  #onFree(worker) {
    if (worker === this.#retiring && this.#serving.size > this.#count) return;
    this.#free.push(worker);
    this.#handOut();
  }

  #handOut() {
    while (this.#free.length > 0 && this.#waiting.length > 0) {
      const socket = this.#waiting.shift();
      const worker = this.#free.shift();
      // Node.js would keep its copy until the worker has taken the other one: if that worker dies,
      // for ever. What is on its way the kernel closes then, where no other copy is open.
      worker.send({}, socket, { keepOpen: true }, () => socket.destroy());
    }
  }

  #onNews(worker, { ready = false, free = false, asked = [] }) {
    if (ready) this.#onReady(worker);
    if (free) this.#onFree(worker);
    for (const request of asked) this.#order(worker, request);
  }

  #onReady(worker) {
    this.#brief(worker);
    this.#serving.add(worker);
    if (this.#serving.size < this.#count) return;
    this.#tellWorkers();
    if (this.#retiring !== null) this.#retire();
  }

  #tellWorkers() {
    const workers = [...this.#serving].map((each) => each.process.pid);
    for (const each of this.#serving) each.send({ workers });
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

  #onExit(worker, code) {
    const hadServed = this.#serving.delete(worker);
    this.#free = this.#free.filter((each) => each !== worker);
    this.#outboxes.delete(worker);
    if (this.#stopping) return this.#endIfAlone();
    const isReplaced = worker === this.#retiring && hadServed;
    // It has said why; another one would fail in the same way.
    if (!hadServed) process.exit(code || 1);
    for (const [id, connection] of this.#connections) {
      if (connection.worker === worker) this.#order(worker, ['disconnect', id, {}]);
    }
    if (!isReplaced) {
      cluster.fork();
    } else {
      this.#tellWorkers();
      this.#replaceNext();
    }
  }
}
