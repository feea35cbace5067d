// Pings everyone now and then, and closes connections that have shown no sign of life.

// Two sweeps may pass unseen: an idle connection is closed at most a quarter of the timeout late.
const SWEEPS_PER_TIMEOUT = 8;

export class Liveness {
  #idleTimeoutMs;
  #watched = new Map();
  #timers;

  constructor({ pingIntervalMs, idleTimeoutMs }) {
    this.#idleTimeoutMs = idleTimeoutMs;
    const sweepMs = Math.ceil(idleTimeoutMs / SWEEPS_PER_TIMEOUT);
    this.#timers = [
      setInterval(() => this.#ping(), pingIntervalMs),
      setInterval(() => this.#sweep(), sweepMs),
    ];
  }

  /** Pongs and fragments count as life too: bytes read tell it without a hook on each. */
  watch(connection, socket) {
    this.#watched.set(connection, {
      socket,
      bytesRead: socket.bytesRead,
      seenAt: performance.now(),
    });
    socket.once('close', () => this.#watched.delete(connection));
  }

  stop() {
    this.#timers.forEach(clearInterval);
  }

  #ping() {
    for (const connection of this.#watched.keys()) connection.ping();
  }

  #sweep() {
    const now = performance.now();
    for (const [connection, life] of this.#watched) {
      if (life.socket.bytesRead !== life.bytesRead) {
        life.bytesRead = life.socket.bytesRead;
        life.seenAt = now;
      } else if (now - life.seenAt >= this.#idleTimeoutMs) {
        connection.closeIdle();
      }
    }
  }
}
