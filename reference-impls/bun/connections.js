// The WebSockets: JSON in, close codes, pings and the idle timeout.

import { serve } from './requests.js';

const OPEN = 1;
const PAYLOAD_BYTES_MAX = 65_536;
const PENDING_BYTES_MAX = 1024 * 1024;
// Beyond it Bun leaves messages out and may send later ones. Nobody gets there: whoever has more
// than PENDING_BYTES_MAX waiting is ended before. A look at all comes after so many UTF-16 units,
// of at most three bytes; up to 32 messages, 2 MiB, wait where getBufferedAmount does not see them.
const SKIPPED_BEYOND_BYTES = 8 * PENDING_BYTES_MAX;
const UNITS_BETWEEN_LOOKS = 1024 * 1024;
const MS_BETWEEN_LOOKS = 100;
// Two sweeps may pass unseen: an idle connection is closed at most a quarter of the timeout late.
const SWEEPS_PER_TIMEOUT = 8;

/** What one WebSocket is known by: Bun keeps it in `ws.data`. */
export const newcomer = (user) => ({
  user,
  rooms: new Set(),
  seenAt: performance.now(),
  suspectedAt: null,
});

export class Connections {
  #all = new Set();
  #chat;
  #unitsSinceLook = 0;
  #farewell = null; // code and reason of everybody's close, once it is due
  #onEmpty = null;

  constructor(chat) {
    this.#chat = chat;
  }

  /** The `websocket` option of Bun.serve. */
  handler() {
    const see = (ws) => this.#see(ws);
    const answered = (ws) => {
      see(ws);
      this.#endIfSlow(ws);
    };
    return {
      maxPayloadLength: PAYLOAD_BYTES_MAX,
      backpressureLimit: SKIPPED_BEYOND_BYTES,
      closeOnBackpressureLimit: true,
      perMessageDeflate: false,
      // Bun's own timeout knows whole seconds, and closes without a code.
      idleTimeout: 0,
      open: (ws) => this.#open(ws),
      message: (ws, data) => this.#onMessage(ws, data),
      ping: answered, // Bun sends the pong
      pong: see,
      drain: (ws) => this.#bidFarewell(ws),
      close: (ws) => this.#onClose(ws),
    };
  }

  /** The timers alone do not keep the process running. */
  keepAlive({ pingIntervalMs, idleTimeoutMs }) {
    const ping = () => this.#all.forEach((ws) => ws.ping());
    const sweep = () => {
      const deadline = performance.now() - idleTimeoutMs;
      for (const ws of this.#all) if (ws.data.seenAt <= deadline) this.#suspect(ws);
    };
    setInterval(ping, pingIntervalMs).unref();
    setInterval(sweep, Math.ceil(idleTimeoutMs / SWEEPS_PER_TIMEOUT)).unref();
  }

  /**
   * To be told of every published text. Bun tells nobody which subscribers do not read: so all
   * are looked at, soon and before much more is published.
   */
  published(text) {
    if (this.#unitsSinceLook === 0) setTimeout(() => this.#look(), MS_BETWEEN_LOOKS);
    this.#unitsSinceLook += text.length;
    if (this.#unitsSinceLook > UNITS_BETWEEN_LOOKS) this.#look();
  }

  /**
   * Resolves once the last one is gone. To Bun a connection is gone when it is closed, whatever it
   * has not written yet, and the process ends then: so each close waits until all is written.
   */
  closeAll(code, reason) {
    this.#farewell = [code, reason];
    for (const ws of this.#all) this.#bidFarewell(ws);
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      if (this.#all.size === 0) resolve();
    });
  }

  #bidFarewell(ws) {
    if (this.#farewell === null) return;
    this.#chat.disconnect(ws);
    if (ws.getBufferedAmount() === 0) ws.close(...this.#farewell);
  }

  #look() {
    this.#unitsSinceLook = 0;
    for (const ws of [...this.#all]) this.#endIfSlow(ws);
  }

  /** Without a close frame, which would wait behind what is not read. */
  #endIfSlow(ws) {
    if (ws.readyState === OPEN && ws.getBufferedAmount() > PENDING_BYTES_MAX) ws.terminate();
  }

  #open(ws) {
    this.#all.add(ws);
    this.#chat.connect(ws);
    this.#bidFarewell(ws); // it may come when others are closed
  }

  /** Closes at the second sweep: a process that stood still first reads what came meanwhile. */
  #suspect(ws) {
    const { seenAt, suspectedAt } = ws.data;
    if (suspectedAt === seenAt) this.#close(ws, 1001, 'Heartbeat timeout');
    else ws.data.suspectedAt = seenAt;
  }

  #see(ws) {
    ws.data.seenAt = performance.now();
  }

  /** Leaves every room at once: others need not wait for the closing handshake. */
  #close(ws, code, reason) {
    this.#chat.disconnect(ws);
    ws.close(code, reason);
  }

  #onMessage(ws, data) {
    if (ws.readyState !== OPEN || this.#farewell !== null) return;
    this.#see(ws);
    let request;
    try {
      if (typeof data !== 'string') throw new TypeError('binary');
      request = JSON.parse(data);
    } catch {
      return this.#close(ws, 1003, 'Malformed message');
    }
    serve(this.#chat, ws, request);
    this.#endIfSlow(ws);
  }

  #onClose(ws) {
    this.#all.delete(ws);
    this.#chat.disconnect(ws);
    if (this.#all.size === 0) this.#onEmpty?.();
  }
}
