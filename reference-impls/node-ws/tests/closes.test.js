// What comes before a close, and that a close waits for no write delay.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { WebSocket } from 'ws';

import { Chat } from '../chat.js';
import { Listener } from '../listener.js';
import { logged } from '../logged_connection.js';
import { freePort } from './ports.js';

const SETTINGS = { host: '127.0.0.1', backlog: 16, pingIntervalMs: 60_000, idleTimeoutMs: 60_000 };
const HEARTBEAT = JSON.stringify({ type: 'heartbeat' });
const never = () => {};

const LATE_MS = 20;

/** Answers later: as a worker does, whose requests go round by the primary. */
class LateChat extends Chat {
  heartbeat(connection) {
    setTimeout(() => super.heartbeat(connection), LATE_MS);
  }

  close(connection) {
    setTimeout(() => super.close(connection), LATE_MS);
  }
}

/** What a client is told that says `words` at once, and how it ends. */
async function told(parts, words) {
  const port = await freePort();
  const listener = new Listener(SETTINGS, parts);
  listener.listen({ ...SETTINGS, port }, assert.fail);
  const client = new WebSocket(`ws://127.0.0.1:${port}/ws`);
  const types = [];
  client.on('message', (data) => types.push(JSON.parse(data).type));
  await once(client, 'open');
  words(client);
  const [code] = await once(client, 'close');
  listener.stop(never);
  return { types, code };
}

function malformed(client) {
  for (const text of [HEARTBEAT, HEARTBEAT, '{', HEARTBEAT]) client.send(text);
}

function tooLong(client) {
  for (const text of [HEARTBEAT, HEARTBEAT, ' '.repeat(65_537)]) client.send(text);
}

function closed(client) {
  for (const text of [HEARTBEAT, HEARTBEAT]) client.send(text);
  client.close(4000);
}

/** Reads on, and has no frame to wait for: 1006 stands for that. */
function halfClosed(client) {
  for (const text of [HEARTBEAT, HEARTBEAT]) client.send(text);
  client._socket.end();
}

const ENDINGS = [
  [malformed, 1003],
  [tooLong, 1009],
  [closed, 4000],
  [halfClosed, 1006],
];
const WAYS = {
  'a write delay without end': logged(never),
  'late answers': { chat: new LateChat() },
};

for (const [way, parts] of Object.entries(WAYS)) {
  for (const [words, code] of ENDINGS) {
    test(`${way}: all answers come before the close: ${words.name}`, async () => {
      const types = ['welcome', 'heartbeat', 'heartbeat'];
      assert.deepEqual(await told(parts, words), { types, code });
    });
  }
}
