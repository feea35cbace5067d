// One upgraded WebSocket: its user, its rooms, and how it ends.

import { WebSocket } from 'ws';

import * as messages from './messages.js';
import { serve } from './requests.js';

const PENDING_BYTES_MAX = 1024 * 1024;
// A pong takes ten times its bytes while it waits. Behind more than this nothing more is read.
const PONG_BEHIND_BYTES_MAX = 256 * 1024;
// A slow consumer is likely not to read its close frame either: after this it is reset.
const SLOW_CONSUMER_GRACE_MS = 1000;

/**
 * `ws` begins to close by itself too: for faults (1002, 1007, 1009), and to answer a close of the
 * peer's. All closes go to the connection, which sends the frame once what was served has gone.
 */
export class ChatWebSocket extends WebSocket {
  connection;

  close(code, reason) {
    if (this.readyState === this.OPEN) this.connection.close(code, reason);
    // The peer has answered.
    else super.close(code, reason);
  }

  sendClose(code, reason) {
    super.close(code, reason);
  }
}

export class Connection {
  rooms = new Set();
  #webSocket;
  #chat;
  #farewell = null; // code and reason, once a close has begun
  #life = { bytesRead: 0, at: performance.now() };

  constructor(webSocket, socket, user, chat) {
    this.user = user;
    this.socket = socket;
    this.#webSocket = webSocket;
    this.#chat = chat;
    webSocket.connection = this;
    webSocket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    webSocket.on('ping', (payload) => this.#onPing(payload));
    webSocket.on('close', () => chat.disconnect(this));
    // `ws` has already begun to close with the code that fits the fault.
    webSocket.on('error', () => {});
    // Before `ws` hears of it, which ends its own side then: the last chance of a close frame.
    socket.prependListener('end', () => this.#farewell !== null && this.finish());
  }

  get isOpen() {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  send(message) {
    if (!this.isOpen) return;
    this.write(message);
    this.bound();
  }

  /** Ends a connection for which too much waits. */
  bound() {
    if (this.isOpen && this.#webSocket.bufferedAmount > PENDING_BYTES_MAX) this.#closeSlow();
  }

  /** What `send` does once the connection is known to be open. */
  write(message) {
    this.#webSocket.send(message, { binary: false });
  }

  sendError(code, text) {
    this.send(messages.error(code, text));
  }

  ping() {
    if (this.isOpen) this.#webSocket.ping();
  }

  /** When bytes were last seen. Pongs and fragments are life too: no hook on each frame needed. */
  seenAt(now) {
    const { bytesRead } = this.socket;
    if (bytesRead !== this.#life.bytesRead) this.#life = { bytesRead, at: now };
    return this.#life.at;
  }

  /** Who sends pings and reads no pongs is not read either: so they can't pile up. */
  #onPing(payload) {
    if (!this.isOpen) return;
    this.#webSocket.pong(payload);
    this.bound();
    if (this.#webSocket.isPaused) return;
    if (this.#webSocket.bufferedAmount <= PONG_BEHIND_BYTES_MAX) return;
    this.#webSocket.pause();
    this.socket.once('drain', () => this.#webSocket.resume());
  }

  /** Nothing more is to wait for it, not even what it was to be told. */
  #closeSlow() {
    this.#farewell = [1013, 'Slow consumer'];
    this.finish();
    this.#chat.disconnect(this);
    setTimeout(() => this.#webSocket.terminate(), SLOW_CONSUMER_GRACE_MS).unref();
  }

  /**
   * Nothing that still comes is served. The chat calls `finish` once all that was served has been
   * answered. Every room is left at once: others need not wait for the closing handshake.
   */
  close(code, reason) {
    if (this.#farewell !== null) return;
    this.#farewell = [code, reason];
    this.#chat.close(this);
    this.#chat.disconnect(this);
  }

  finish() {
    this.#webSocket.sendClose(...this.#farewell);
  }

  #onMessage(data, isBinary) {
    // `ws` goes on reporting messages until the peer has answered the close.
    if (this.#farewell !== null) return;
    if (isBinary) return this.close(1003, 'Malformed message');
    let request;
    try {
      request = JSON.parse(data);
    } catch {
      return this.close(1003, 'Malformed message');
    }
    serve(this.#chat, this, request);
  }
}
