// Variant `tuned`: what goes to one connection within a turn of the event loop goes in one system
// call, and nothing of its HTTP request is kept.

import { limitBacklog } from './backlog.js';

// A batch is written early at this length: who reads must never look like a slow consumer.
const BATCH_BYTES_MAX = 64 * 1024;

/** TCP sockets that are corked until the turn is over. */
let corked = [];

function uncorkAll() {
  const sockets = corked;
  corked = [];
  for (const socket of sockets) socket.uncork();
}

function cork(socket) {
  if (socket.writableCorked > 0) return;
  socket.cork();
  // Not nextTick, which comes after one socket's callback: an immediate comes after all of them.
  if (corked.push(socket) === 1) setImmediate(uncorkAll);
}

/** For each connection of Engine.IO, whose `flush` comes before it writes what it has queued. */
export function batch(connection) {
  const tcp = connection.request.socket;
  const webSocket = connection.transport.socket;
  connection.on('flush', (packets) => {
    // The answer to a close is corked as well: what Engine.IO sends meanwhile would come after it.
    if (webSocket.readyState !== webSocket.OPEN) packets.length = 0;
    else cork(tcp);
  });
  limitBacklog(connection, (pendingBytes) => {
    if (pendingBytes >= BATCH_BYTES_MAX) tcp.uncork();
  });
  connection.request = null;
}
