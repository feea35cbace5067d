// Requests that become no WebSocket, on a real TCP connection.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { text } from 'node:stream/consumers';

import { Listener } from '../listener.js';

const SETTINGS = { host: '127.0.0.1', backlog: 16, pingIntervalMs: 60_000, idleTimeoutMs: 60_000 };
const ENDS_WITHIN_MS = 5000;

function head(target, upgrade) {
  return `GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`;
}

/** Passes what it accepts to a listener, as the primary does; its sockets know no half-open. */
async function taking(context) {
  const listener = new Listener(SETTINGS, {});
  listener.serveTaken();
  const server = createServer({ pauseOnConnect: true }, (socket) => listener.take(socket));
  server.listen(0, SETTINGS.host);
  await once(server, 'listening');
  context.after(() => server.close());
  return server.address().port;
}

/** The answer, once the server has ended the connection; the client keeps its own side open. */
async function answerTo(context, port, bytes) {
  const client = connect({ port, host: SETTINGS.host, allowHalfOpen: true });
  context.after(() => client.destroy());
  client.write(bytes);
  const answer = await text(client);
  const byServer = once(client, 'error', { signal: AbortSignal.timeout(ENDS_WITHIN_MS) });
  // Writing to a connection whose other end is gone fails sooner or later.
  const writing = setInterval(() => client.write('x'), 50);
  await byServer.finally(() => clearInterval(writing));
  return answer;
}

for (const [name, bytes, status] of [
  ['an upgrade elsewhere', head('/nowhere', 'websocket'), 404],
  ['an upgrade without a key', head('/ws', 'websocket'), 400],
  ['an offer of another protocol', head('/health', 'h2c'), 200],
]) {
  test(`${name} is answered by ${status}, and not held`, async (context) => {
    const answer = await answerTo(context, await taking(context), bytes);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
  });
}
