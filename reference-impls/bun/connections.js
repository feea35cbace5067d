// The WebSockets: JSON in, close codes, pings and the idle timeout.

import { serve } from './requests.js';

const OPEN = 1;
const PAYLOAD_BYTES_MAX = 65_536;
const PENDING_BYTES_MAX = 1024 * 1024;
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

  constructor(chat) {
    this.#chat = chat;
  }

  /** The `websocket` option of Bun.serve. */
  handler() {
    const see = (ws) => this.#see(ws);
    return {
      maxPayloadLength: PAYLOAD_BYTES_MAX,
      backpressureLimit: PENDING_BYTES_MAX,
      closeOnBackpressureLimit: true,
      perMessageDeflate: false,
      // Bun's own timeout knows whole seconds, and closes without a code.
      idleTimeout: 0,
      open: (ws) => this.#open(ws),
      message: (ws, data) => this.#onMessage(ws, data),
      ping: see,
      pong: see,
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

  closeAll(code, reason) {
    for (const ws of this.#all) this.#close(ws, code, reason);
  }

  #open(ws) {
    this.#all.add(ws);
    this.#chat.connect(ws);
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
    if (ws.readyState !== OPEN) return;
    this.#see(ws);
    let request;
    try {
      if (typeof data !== 'string') throw new TypeError('binary');
      request = JSON.parse(data);
    } catch {
      return this.#close(ws, 1003, 'Malformed message');
    }
    serve(this.#chat, ws, request);
  }

  #onClose(ws) {
    this.#all.delete(ws);
    this.#chat.disconnect(ws);
  }
}
