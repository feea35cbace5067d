// Pings everyone now and then, and closes connections that have shown no sign of life.

// Two sweeps may pass unseen: an idle connection is closed at most a quarter of the timeout late.
const SWEEPS_PER_TIMEOUT = 8;

/** `connections` is a live set. The timers alone do not keep the process running. */
export function keepAlive(connections, { pingIntervalMs, idleTimeoutMs }) {
  const ping = () => connections.forEach((connection) => connection.ping());
  const sweep = () => {
    const now = performance.now();
    for (const connection of connections) {
      const idleMs = now - connection.seenAt(now);
      if (idleMs >= idleTimeoutMs) connection.close(1001, 'Heartbeat timeout');
    }
  };
  setInterval(ping, pingIntervalMs).unref();
  // A process that stood still for a while must first read what came meanwhile: the event loop
  // polls sockets between timers and immediates.
  setInterval(() => setImmediate(sweep), Math.ceil(idleTimeoutMs / SWEEPS_PER_TIMEOUT)).unref();
}
