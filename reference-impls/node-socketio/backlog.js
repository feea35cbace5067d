// What waits for a client: Socket.IO lets any amount wait for one that does not read, and drops
// what waits for one that says nothing more.

const PENDING_BYTES_MAX = 1024 * 1024;
// A pong takes ten times its bytes while it waits. Behind more than this nothing more is read.
const PONG_BEHIND_BYTES_MAX = 256 * 1024;

// Who has ended its side and does not read what it asked for is cut off when nothing moves.
const ENDED_GRACE_MS = 10_000;

// Engine.IO's reasons of an end for what no packet is, and for what no WebSocket message is.
const UNREADABLE = new Set(['parse error', 'transport error']);

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
 * Socket.IO serves an event a tick after it is read. `ws` answers a close at once, and Engine.IO
 * throws away what it has queued where it can't read a packet: answers would be lost. So every end
 * that a client brings about waits for the turn to be over, and until what Engine.IO has queued by
 * then is with `ws`. Nothing that comes meanwhile is served.
 */
function endBehindAnswers(connection) {
  const later = (end) => {
    connection.removeAllListeners('data');
    setImmediate(() => {
      if (connection.writeBuffer.length > 0) connection.once('drain', end);
      else end();
    });
  };
  for (const closing of [connection.transport.socket, connection]) {
    const { close } = closing;
    closing.close = (...parts) => later(() => close.apply(closing, parts));
  }
  const { onClose } = connection;
  connection.onClose = (reason, ...why) => {
    const end = () => onClose.call(connection, reason, ...why);
    if (UNREADABLE.has(reason)) later(end);
    else end();
  };
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
  endBehindAnswers(connection);
}
