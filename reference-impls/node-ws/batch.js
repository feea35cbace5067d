// Variants `tuned` and `coalesced`: a message is framed once for all who receive it, and what goes
// to one connection within a turn of the event loop, or within a delay, goes in one system call.

import { Buffer } from 'node:buffer';

import { Sender } from 'ws';

import { Connection } from './connection.js';

const TEXT = 1;
// A batch is written early at this length: who reads must never look like a slow consumer.
const BATCH_BYTES_MAX = 64 * 1024;

/** What `ws` would write for a text message, in one piece. */
function frame(message) {
  const options = { fin: true, opcode: TEXT, mask: false, rsv1: false, readOnly: true };
  return Buffer.concat(Sender.frame(message, options));
}

/** Sockets with something to write, corked until `later` has its turn. */
export class Batch {
  #later;
  #corked = [];
  #message = null;
  #frame = null;

  /** `later` calls what it is given once: after this turn of the event loop, or after a delay. */
  constructor(later) {
    this.#later = later;
  }

  write(socket, message) {
    if (socket.writableCorked === 0) this.#cork(socket);
    socket.write(this.#frameOf(message));
    this.bound(socket);
  }

  /** Writes a long batch early. */
  bound(socket) {
    if (socket.writableLength >= BATCH_BYTES_MAX) socket.uncork();
  }

  /** Whoever receives a message receives it before the next one is sent. */
  #frameOf(message) {
    if (message !== this.#message) {
      this.#message = message;
      this.#frame = frame(message);
    }
    return this.#frame;
  }

  #cork(socket) {
    socket.cork();
    if (this.#corked.push(socket) === 1) this.#later(() => this.#uncork());
  }

  #uncork() {
    const corked = this.#corked;
    this.#corked = [];
    for (const socket of corked) socket.uncork();
  }
}

/** Pings and closes of `ws` itself go to the same corked socket: the order stays as it was. */
export class BatchedConnection extends Connection {
  #batch;

  constructor(webSocket, socket, user, chat, batch) {
    super(webSocket, socket, user, chat);
    this.#batch = batch;
  }

  write(message) {
    this.#batch.write(this.socket, message);
  }

  bound() {
    this.#batch.bound(this.socket);
    super.bound();
  }

  /** A close takes along what waits, and waits for nothing. */
  finish() {
    super.finish();
    this.socket.uncork();
  }
}

/** The part of a listener that makes its connections. */
export function batched(later) {
  const batch = new Batch(later);
  return { connect: (...parts) => new BatchedConnection(...parts, batch) };
}
