// Connections without a network: what each is written, and when its socket takes it.

import { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';

/** Takes what is written at once, or, while it is stalled, nothing. */
class Sink extends Duplex {
  writes = []; // one for each system call that a socket would make
  #isStalled = false;
  #held = null;

  constructor() {
    super({ allowHalfOpen: true });
  }

  get bytes() {
    return Buffer.concat(this.writes);
  }

  stall() {
    this.#isStalled = true;
  }

  /** As a socket does it. */
  resetAndDestroy() {
    this.destroy();
  }

  resumeWrites() {
    this.#isStalled = false;
    const held = this.#held;
    this.#held = null;
    held?.();
  }

  _read() {}

  _write(chunk, _encoding, done) {
    this.#take(chunk, done);
  }

  _writev(chunks, done) {
    this.#take(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  #take(bytes, done) {
    const take = () => {
      this.writes.push(bytes);
      done();
    };
    if (this.#isStalled) this.#held = take;
    else take();
  }
}

// Stands for a control frame of `ws`: no text frame begins with it.
export const CONTROL = '.';

/** What a connection asks of `ws`. */
class FakeWebSocket extends EventEmitter {
  OPEN = 1;
  readyState = 1;
  isPaused = false;
  #socket;

  constructor(socket) {
    super();
    this.#socket = socket;
  }

  get bufferedAmount() {
    return this.#socket.writableLength;
  }

  pong() {
    this.#socket.write(CONTROL);
  }

  sendClose(code) {
    this.readyState = 2;
    this.code = code;
    this.#socket.write(CONTROL);
  }
}

/** A connection of these parts of a listener, its socket, and its WebSocket. */
export function member({ connect, chat }, user) {
  const socket = new Sink();
  const webSocket = new FakeWebSocket(socket);
  const connection = connect(webSocket, socket, user, chat);
  chat.connect(connection);
  return { connection, socket, webSocket };
}

/** The messages of all text frames, and CONTROL for any other. */
export function messagesIn(bytes) {
  const messages = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] === CONTROL.charCodeAt()) {
      messages.push(CONTROL);
      at += 1;
      continue;
    }
    let length = bytes[at + 1];
    at += 2;
    if (length === 126) [length, at] = [bytes.readUInt16BE(at), at + 2];
    else if (length === 127) [length, at] = [Number(bytes.readBigUInt64BE(at)), at + 8];
    messages.push(JSON.parse(bytes.subarray(at, at + length)));
    at += length;
  }
  return messages;
}
