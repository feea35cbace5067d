// What waits for a client: Socket.IO lets any amount wait for one that does not read, and drops
// what waits for one that says nothing more.

const PENDING_BYTES_MAX = 1024 * 1024;
// A pong takes ten times its bytes while it waits. Behind more than this nothing more is read.
const PONG_BEHIND_BYTES_MAX = 256 * 1024;

// Who has ended its side and does not read what it asked for is cut off when nothing moves.
const ENDED_GRACE_MS = 10_000;

/** Who sends WebSocket pings, which `ws` answers, and reads no pongs is not read either. */
function boundPongs(webSocket, tcp, relieve) {
  webSocket.on('ping', () => {
    relieve(tcp.writableLength);
    if (webSocket.isPaused || tcp.writableLength <= PONG_BEHIND_BYTES_MAX) return;
    webSocket.pause();
    tcp.once('drain', () => webSocket.resume());
  });
}

/**
 * `ws` ends its own side as soon as it hears that the peer's has ended. It hears of it once
 * Engine.IO has written what it has queued: the peer may still read.
 */
function answerBeforeEnd(connection, tcp) {
  const listeners = tcp.listeners('end');
  tcp.removeAllListeners('end');
  const end = () => {
    if (tcp.destroyed) return;
    tcp.setTimeout(ENDED_GRACE_MS, () => tcp.destroy());
    listeners.forEach((listener) => listener.call(tcp));
  };
  tcp.once('end', () => {
    if (connection.writeBuffer.length > 0) connection.once('drain', end);
    else end();
  });
}

/**
 * `connection` is Engine.IO's. What waits is in its own queue and in that of the TCP socket, of
 * which `relieve` may write some before the length is judged.
 */
export function limitBacklog(connection, relieve = () => {}) {
  const tcp = connection.request.socket;
  let queuedBytes = 0;
  connection.on('packetCreate', ({ data }) => {
    // UTF-16 units for bytes: counting exactly would cost more than the limit is worth.
    queuedBytes += data?.length ?? 0;
    relieve(queuedBytes + tcp.writableLength);
    // Engine.IO's close has no code, and would wait behind what is not read: hence a reset.
    if (queuedBytes + tcp.writableLength > PENDING_BYTES_MAX) tcp.resetAndDestroy();
  });
  connection.on('flush', () => {
    queuedBytes = 0;
  });
  boundPongs(connection.transport.socket, tcp, relieve);
  answerBeforeEnd(connection, tcp);
}
