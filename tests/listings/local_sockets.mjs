// Two Socket.IO servers that the Redis adapter joins, two clients each, and a broadcast that loops
// over `io.sockets.sockets`: how many hear it on each server. Beside it an emit to all by way of
// the adapter. `node local_sockets.mjs redis://HOST:PORT` prints JSON.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

const server = createRequire(new URL('../../reference-impls/node-socketio/', import.meta.url));
const cluster = createRequire(
  new URL('../../reference-impls/node-socketio/cluster/', import.meta.url),
);
const { Server } = server('socket.io');
const { WebSocket } = server('ws');
const { createAdapter } = cluster('@socket.io/redis-adapter');
const { Redis } = cluster('ioredis');

const CLIENTS = 2;
const SETTLED_MS = 500; // what crosses takes a few milliseconds

async function startServer(url) {
  const [publisher, subscriber] = [new Redis(url), new Redis(url)];
  const http = createServer();
  const io = new Server(http, { adapter: createAdapter(publisher, subscriber) });
  http.listen(0, '127.0.0.1');
  await Promise.all([once(http, 'listening'), once(publisher, 'ready')]);
  const end = () => {
    io.close();
    publisher.disconnect();
    subscriber.disconnect();
  };
  return { io, port: http.address().port, end };
}

/** Engine.IO 4 over a WebSocket, as far as it takes: open, connect, then events. */
async function client(port) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  const heard = [];
  const connected = new Promise((resolve) => {
    socket.on('message', (data) => {
      const text = String(data);
      if (text.startsWith('0')) socket.send('40');
      if (text.startsWith('40')) resolve();
      if (text.startsWith('42')) heard.push(JSON.parse(text.slice(2))[0]);
    });
  });
  await connected;
  return { heard, close: () => socket.terminate() };
}

const servers = await Promise.all([startServer(process.argv[2]), startServer(process.argv[2])]);
const clients = await Promise.all(
  servers.map(({ port }) => Promise.all(Array.from({ length: CLIENTS }, () => client(port)))),
);
// Both adapters have to have found each other.
while ((await servers[0].io.of('/').adapter.serverCount()) < servers.length) await sleep(20);
await sleep(SETTLED_MS);

servers[0].io.sockets.sockets.forEach((socket) => socket.emit('by_loop'));
servers[0].io.emit('by_adapter');
await sleep(SETTLED_MS);

const count = (event) =>
  clients.map((ofServer) => ofServer.filter(({ heard }) => heard.includes(event)).length);
const found = { by_loop: count('by_loop'), by_adapter: count('by_adapter') };
process.stdout.write(`${JSON.stringify(found)}\n`);
clients.flat().forEach(({ close }) => close());
servers.forEach(({ end }) => end());
