// The gateway between clients and a server of these tests' own, on real TCP connections.

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import process from 'node:process';
import { test } from 'node:test';

import { WebSocket, WebSocketServer } from 'ws';

import { Gateway } from '../gateway.js';
import { headersOnward } from '../http_request.js';

const HOST = '127.0.0.1';
const MIB = 1024 * 1024;
// Sockets of the kernel take some MiB by themselves.
const SENT_BYTES = 64 * MIB;
const HELD_BYTES = 32 * MIB;
const WITHIN_MS = 5000;

async function freePort() {
  const server = createTcpServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A gateway in front of a server: its port, and what the server makes of requests. */
async function behind(context, onConnection) {
  const http = createServer((request, response) => {
    if (request.url === '/health') {
      response.end(JSON.stringify({ status: 'ok', pid: 1, workers: [1] }));
    } else {
      response.writeHead(404, { 'X-From': 'the server' }).end(request.headers['x-forwarded-for']);
    }
  });
  const webSockets = new WebSocketServer({ noServer: true });
  const seen = [];
  http.on('upgrade', (request, socket, head) => {
    seen.push(request);
    if (request.url.startsWith('/full')) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (client) => onConnection(client, socket));
  });
  http.listen(0, HOST);
  await once(http, 'listening');
  const port = await freePort();
  const gateway = new Gateway(http.address().port);
  gateway.listen({ host: HOST, port, backlog: 16 }, assert.fail);
  await once(await asked(port, '/health'), 'end');
  context.after(() => {
    gateway.stop(() => {});
    http.close();
    http.closeAllConnections();
    webSockets.clients.forEach((client) => client.terminate());
  });
  return { port, seen };
}

async function asked(port, path) {
  const [answer] = await once(get({ host: HOST, port, path, agent: false }), 'response');
  answer.resume();
  return answer;
}

async function until(isReached) {
  const deadline = Date.now() + WITHIN_MS;
  while (!isReached()) {
    assert.ok(Date.now() < deadline, 'it did not come to pass');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function echo(client) {
  client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
}

test('messages go both ways as what they are, and in order', async (context) => {
  const { port } = await behind(context, echo);
  const client = new WebSocket(`ws://${HOST}:${port}/ws`);
  const came = [];
  client.on('message', (data, isBinary) => came.push([String(data), isBinary]));
  await once(client, 'open');
  client.send('grüße');
  client.send(Buffer.from('bytes'));
  client.close(4001, 'bye');
  const [code, reason] = await once(client, 'close');
  const sent = [
    ['grüße', false],
    ['bytes', true],
  ];
  assert.deepEqual([came, code, String(reason)], [sent, 4001, 'bye']);
});

test('the server is told of the target, the origin, protocols and the address', async (context) => {
  const { port, seen } = await behind(context, echo);
  const options = { origin: 'http://chat.test', headers: { 'X-Forwarded-For': '10.0.0.9' } };
  const client = new WebSocket(`ws://${HOST}:${port}/ws?user=a%20b+c`, options);
  await once(client, 'open');
  client.terminate();
  const [{ url, headers: told }] = seen;
  assert.equal(url, '/ws?user=a%20b+c');
  assert.equal(told.origin, 'http://chat.test');
  assert.equal(told.host, `${HOST}:${port}`);
  assert.equal(told['x-forwarded-for'], `10.0.0.9, ${HOST}`);
});

test('what is for one connection alone does not go on', () => {
  const headersDistinct = {
    connection: ['keep-alive, X-Own'],
    'keep-alive': ['timeout=5'],
    'x-own': ['1'],
    cookie: ['a=b'],
  };
  const onward = headersOnward({ headersDistinct, socket: { remoteAddress: HOST } });
  assert.deepEqual(onward, { cookie: 'a=b', 'x-forwarded-for': HOST });
});

test('pings and pongs are answered by the other end', async (context) => {
  const pongs = [];
  const { port } = await behind(context, (client) => {
    client.ping('of the server');
    client.on('pong', (payload) => pongs.push(String(payload)));
  });
  const client = new WebSocket(`ws://${HOST}:${port}/ws`);
  await once(client, 'open');
  client.ping('of the client');
  const [payload] = await once(client, 'pong');
  assert.equal(String(payload), 'of the client');
  await until(() => pongs.length > 0);
  assert.deepEqual(pongs, ['of the server']);
  client.terminate();
});

for (const [code, reason] of [
  [1012, 'Server stops'],
  [4000, ''],
  [1005, ''],
]) {
  test(`the server's close goes on: ${code}`, async (context) => {
    const close = code === 1005 ? [] : [code, reason];
    const { port } = await behind(context, (client) => client.close(...close));
    const client = new WebSocket(`ws://${HOST}:${port}/ws`);
    const [came, why] = await once(client, 'close');
    assert.deepEqual([came, String(why)], [code, reason]);
  });
}

test('a server that is gone without a close ends the connection without one', async (context) => {
  const { port } = await behind(context, (client) => client.terminate());
  const [code] = await once(new WebSocket(`ws://${HOST}:${port}/ws`), 'close');
  assert.equal(code, 1006);
});

test('a fault ends with its code, behind the answers to what came before', async (context) => {
  const { port } = await behind(context, echo);
  const client = new WebSocket(`ws://${HOST}:${port}/ws`);
  const came = [];
  client.on('message', (data) => came.push(String(data)));
  await once(client, 'open');
  for (const text of ['a', 'b', ' '.repeat(65_537)]) client.send(text);
  const [code] = await once(client, 'close');
  assert.deepEqual([came, code], [['a', 'b'], 1009]);
});

test('a client that is gone is gone for the server', async (context) => {
  const ended = [];
  const { port } = await behind(context, (client) => {
    client.once('message', (data) => ended.push(String(data)));
    client.once('close', () => ended.push('end'));
  });
  const client = new WebSocket(`ws://${HOST}:${port}/ws`);
  await once(client, 'open');
  client.send('last words', () => client.terminate());
  await until(() => ended.length === 2);
  assert.deepEqual(ended, ['last words', 'end']);
});

test("the server's refusal is the client's", async (context) => {
  const { port } = await behind(context, echo);
  const client = new WebSocket(`ws://${HOST}:${port}/full`);
  const [request, answer] = await once(client, 'unexpected-response');
  request.destroy();
  assert.equal(answer.statusCode, 503);
  assert.equal(answer.headers['retry-after'], '7');
});

test('other requests go on, and /health names the gateway, too', async (context) => {
  const { port } = await behind(context, echo);
  const answer = await asked(port, '/nothing');
  assert.deepEqual([answer.statusCode, answer.headers['x-from']], [404, 'the server']);
  const health = await (await fetch(`http://${HOST}:${port}/health`)).json();
  assert.deepEqual(health, { status: 'ok', pid: process.pid, workers: [process.pid, 1] });
});

test('a client that does not read is closed, and the server is told', async (context) => {
  let isLeft = false;
  const { port } = await behind(context, (client) => {
    client.once('close', () => (isLeft = true));
    for (let sent = 0; sent < SENT_BYTES; sent += MIB) client.send(Buffer.alloc(MIB));
  });
  const client = new WebSocket(`ws://${HOST}:${port}/ws`);
  client.on('error', () => {});
  await once(client, 'open');
  client.pause();
  await until(() => isLeft);
  client.terminate();
});

test('a client is not read while the server does not read', async (context) => {
  let paused;
  const { port } = await behind(context, (client, socket) => {
    socket.pause();
    paused = socket;
  });
  const head =
    `GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
  const client = connect(port, HOST);
  client.on('error', () => {});
  client.write(head);
  await once(client, 'data');
  // A text of 65,536 zeros, masked by zeros.
  const frame = Buffer.alloc(14 + 65_536);
  frame.set([0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]);
  for (let sent = 0; sent < SENT_BYTES; sent += frame.length) client.write(frame);
  let left;
  do {
    left = client.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 300));
  } while (client.writableLength !== left);
  assert.ok(left > SENT_BYTES - HELD_BYTES, `${left} of ${SENT_BYTES} bytes are not taken`);
  paused.destroy();
  client.destroy();
});
