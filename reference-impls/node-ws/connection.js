// One upgraded WebSocket: its user, its rooms, and how it ends.

import { WebSocket } from 'ws';

import * as messages from './messages.js';
import { serve } from './requests.js';

const PENDING_BYTES_MAX = 1024 * 1024;
// A pong takes ten times its bytes while it waits. Behind more than this nothing more is read.
const PONG_BEHIND_BYTES_MAX = 256 * 1024;
// Who has ended its side and does not read what it asked for is cut off when nothing moves.
const ENDED_GRACE_MS = 10_000;
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

/** Takes an event's listeners away, and returns what calls them. */
function takeListeners(emitter, event) {
  const listeners = emitter.listeners(event);
  emitter.removeAllListeners(event);
  return () => listeners.forEach((listener) => listener.call(emitter));
}

export class Connection {
  rooms = new Set();
  #webSocket;
  #chat;
  #farewell = null; // code and reason, once a close has begun; empty where no frame is due
  #isFinished = false;
  #hasPeerEnded = false;
  #endOfWs;
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
    // `ws` ends its own side as soon as it hears that the peer's has ended: it hears of it late.
    this.#endOfWs = takeListeners(socket, 'end');
    socket.once('end', () => this.#onPeerEnd());
  }

  get isOpen() {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  send(message) {
    if (!this.isOpen) return;
    this.write(message);
    this.bound();
  }

  get isSlow() {
    return this.isOpen && this.#webSocket.bufferedAmount > PENDING_BYTES_MAX;
  }

  /** Ends a connection for which too much waits. */
  bound() {
    if (this.isSlow) this.#closeSlow();
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

  pong(payload) {
    this.#webSocket.pong(payload);
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
    this.pong(payload);
    this.bound();
    if (this.#webSocket.isPaused) return;
    if (this.#webSocket.bufferedAmount <= PONG_BEHIND_BYTES_MAX) return;
    this.#webSocket.pause();
    this.socket.once('drain', () => this.#webSocket.resume());
  }

  /** The peer may still read: the answers to what it has asked come before the end. */
  #onPeerEnd() {
    this.#hasPeerEnded = true;
    if (this.#isFinished) this.#end();
    else this.close();
  }

  #end() {
    if (this.socket.destroyed) return;
    this.socket.setTimeout(ENDED_GRACE_MS, () => this.socket.destroy());
    this.#endOfWs();
  }

  /** Nothing more is to wait for it, not even what it was to be told. */
  #closeSlow() {
    this.#farewell = [1013, 'Slow consumer'];
    this.finish();
    this.#chat.disconnect(this);
    // A reset, or the kernel would go on offering what it has of it.
    setTimeout(() => this.socket.resetAndDestroy(), SLOW_CONSUMER_GRACE_MS).unref();
  }

  /**
   * Nothing that still comes is served. The chat calls `finish` once all that was served has been
   * answered. Every room is left at once: others need not wait for the closing handshake.
   */
  close(...farewell) {
    if (this.#farewell !== null) return;
    this.#farewell = farewell;
    this.#chat.close(this);
    this.#chat.disconnect(this);
  }

  finish() {
    this.#isFinished = true;
    if (this.#farewell.length > 0) this.#webSocket.sendClose(...this.#farewell);
    if (this.#hasPeerEnded) this.#end();
  }

  #onMessage(data, isBinary) {
    // `ws` goes on reporting messages until the peer has answered the close.
    if (this.#farewell !== null) return;
    if (isBinary) this.close(1003, 'Malformed message');
    else this.receive(data);
  }

  /** A text. What was asked is returned, undefined where it is not JSON. */
  receive(data) {
    let request;
    try {
      request = JSON.parse(data);
    } catch {
      this.close(1003, 'Malformed message');
      return undefined;
    }
    serve(this.#chat, this, request);
    return request;
  }
}
