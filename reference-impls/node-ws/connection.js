// One upgraded WebSocket: its user, its rooms, and how it ends.

import * as messages from './messages.js';
import { serve } from './requests.js';

const PENDING_BYTES_MAX = 1024 * 1024;
// A slow consumer is likely not to read its close frame either: after this it is reset.
const SLOW_CONSUMER_GRACE_MS = 1000;

export class Connection {
  rooms = new Set();
  #webSocket;
  #chat;
  #life = { bytesRead: 0, at: performance.now() };

  constructor(webSocket, socket, user, chat) {
    this.user = user;
    this.socket = socket;
    this.#webSocket = webSocket;
    this.#chat = chat;
    webSocket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    const depart = () => chat.disconnect(this);
    webSocket.on('close', depart);
    // `ws` has already begun to close with the code that fits the fault (1002, 1007 or 1009).
    webSocket.on('error', depart);
    // The peer's close was answered. `ws` reports it only once the peer has ended TCP as well.
    socket.on('finish', depart);
  }

  get isOpen() {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  send(message) {
    if (!this.isOpen) return;
    this.write(message);
    if (this.#webSocket.bufferedAmount > PENDING_BYTES_MAX) this.#closeSlow();
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

  #closeSlow() {
    this.close(1013, 'Slow consumer');
    setTimeout(() => this.#webSocket.terminate(), SLOW_CONSUMER_GRACE_MS).unref();
  }

  /** Leaves every room at once: others need not wait for the closing handshake. */
  close(code, reason) {
    this.#webSocket.close(code, reason);
    this.#chat.disconnect(this);
  }

  #onMessage(data, isBinary) {
    // `ws` goes on reporting messages until the peer has answered the close.
    if (!this.isOpen) return;
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
