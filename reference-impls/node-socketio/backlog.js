// Slow consumers: Socket.IO lets any amount wait for a client that does not read.

const PENDING_BYTES_MAX = 1024 * 1024;
// A pong takes ten times its bytes while it waits. Behind more than this nothing more is read.
const PONG_BEHIND_BYTES_MAX = 256 * 1024;

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
}
