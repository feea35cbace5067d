'use strict';
// A client and servers that mean it no good: it stays alive, ends when told to, and comes back.

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { once } = require('node:events');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');
const test = require('node:test');
const { WebSocketServer } = require('ws');
const { Backoff, Client, ConnectionClosed, Server } = require('chinwag');

const WHILE_SLOW = { timeout: 60_000 };
const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const WELCOME = '{"type":"welcome","user":"ann"}';
const soon = () => new Backoff({ firstMs: 1, mostMs: 10 });

/** A server of bytes: `serve` gets each socket with the head of its first request. */
async function bytesServer(context, serve) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (head) => serve(socket, head.toString(), sockets.size));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `ws://127.0.0.1:${server.address().port}/ws`;
}

/** Answers the upgrade, then says what is given. */
function upgrade(socket, head, ...texts) {
  const [, key] = /sec-websocket-key: (.*)\r/i.exec(head);
  const accept = createHash('sha1').update(key + MAGIC).digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  for (const text of texts) {
    socket.write(Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]));
  }
}

/** A WebSocket server that does something to whoever connects. */
async function webSocketServer(context, greet) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    greet(socket, server.clients.size);
  });
  await once(server, 'listening');
  context.after(() => {
    for (const one of server.clients) one.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${server.address().port}`;
}

const messageOf = (size) => JSON.stringify({ type: 'message', content: 'x'.repeat(size) });
const sendWhole = (socket, text) => socket.send(text);
const sendInPieces = (socket, text) => {
  for (let at = 0; at < text.length; at += 1000) {
    socket.send(text.slice(at, at + 1000), { fin: false });
  }
  socket.send('', { fin: true });
};

for (const [how, send] of [['whole', sendWhole], ['in pieces', sendInPieces]]) {
  test(`a message that is too long, ${how}, costs its connection`, WHILE_SLOW, async (context) => {
    const codes = [];
    let served = 0;
    const url = await webSocketServer(context, (socket) => {
      socket.on('close', (code) => codes.push(code));
      socket.send(WELCOME);
      if (++served === 1) send(socket, messageOf(1024 * 1024));
      else socket.send(messageOf(5));
    });
    const ann = await new Client(url, { user: 'ann', backoff: soon() }).connect();
    let message;
    do message = await ann.receive();
    while (message.type !== 'message');
    assert.deepEqual([message.content, ann.reconnects, codes], ['xxxxx', 1, [1009]]);
    await ann.close();
  });
}

test('messages as long as the program allows arrive', WHILE_SLOW, async (context) => {
  const url = await webSocketServer(context, (socket) => socket.send(messageOf(4_000_000)));
  const options = { user: 'ann', reconnect: false, messageBytesMax: 4_001_000 };
  const ann = await new Client(url, options).connect();
  assert.equal((await ann.receive()).content.length, 4_000_000);
  await ann.close();
});

test('the longest that a chat/1 server sends arrives', WHILE_SLOW, async () => {
  const server = await new Server().start();
  const ann = await new Client(server.url, { user: 'ann', reconnect: false }).connect();
  await ann.join('tea');
  const content = '\u0001'.repeat(65_536); // six bytes each in JSON
  server.publish('tea', content);
  let message;
  do message = await ann.receive();
  while (message.type !== 'message');
  assert.equal(message.content, content);
  await ann.close();
  await server.drain();
});

const noMessages = [
  'null',
  '5',
  '"welcome"',
  '{}',
  '{"type":5}',
  '{"type":"message","room":5}',
  '{"type":"message","user":{}}',
  '{"type":"message","content":["x"]}',
  '{"type":"error","message":5}',
  '{"type":"error","code":true}',
  '{"type":"message","timestamp":"now"}',
  '{"type":"message","timestamp":1.5}',
  '{"type":"message","timestamp":1e999}',
];
for (const text of noMessages) {
  test(`${text} is no message of chat/1: a break`, async (context) => {
    const url = await webSocketServer(context, (socket) => socket.send(text));
    const ann = await new Client(url, { user: 'ann', reconnect: false }).connect();
    assert.equal(await ann.receive({ timeoutMs: 10_000 }), null);
  });
}

const redirect = (location) =>
  `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;

test('a redirect is not followed, and says so', async (context) => {
  const asked = [];
  const elsewhere = await webSocketServer(context, () => asked.push('elsewhere'));
  const url = await bytesServer(context, (socket) => socket.write(redirect(elsewhere)));
  await assert.rejects(new Client(url).connect(), (error) => {
    assert.match(error.message, /HTTP 302 to "ws:.*redirects are not followed/);
    return error.code === 'handshake_refused';
  });
  assert.deepEqual(asked, []);
});

const answers = {
  'a redirect to nowhere': (socket) => socket.write(redirect('http://[')),
  'a redirect to itself': (socket) => socket.write(redirect('/ws')),
  'an end': (socket) => socket.destroy(),
  'what is no HTTP': (socket) => socket.end('hello\r\n\r\n'),
  'a head that is too long': (socket) => socket.write(`HTTP/1.1 101 x\r\na: ${'x'.repeat(1e6)}`),
  'an upgrade that is none': (socket) =>
    socket.write('HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
};
for (const [what, answer] of Object.entries(answers)) {
  test(`${what} instead of a new connection: it goes on trying`, WHILE_SLOW, async (context) => {
    const url = await bytesServer(context, (socket, head, number) => {
      if (number === 2 || number === 3) return answer(socket);
      upgrade(socket, head, WELCOME);
      if (number === 1) socket.end();
    });
    const ann = await new Client(url, { user: 'ann', backoff: soon() }).connect();
    await once(ann, 'reconnect');
    assert.equal(ann.reconnects, 1);
    await ann.close();
  });
}

const slowHeads = {
  'nothing at all': () => {},
  'a head that drips': (socket) => socket.write('X'),
  'one early hint after the other': (socket) => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'),
};
for (const [what, drip] of Object.entries(slowHeads)) {
  test(`a server that sends ${what} is unreachable in time`, WHILE_SLOW, async (context) => {
    const url = await bytesServer(context, (socket) => {
      if (drip !== slowHeads['one early hint after the other']) socket.write('HTTP/1.1 101 ');
      const timer = setInterval(drip, 20, socket);
      socket.on('close', () => clearInterval(timer));
    });
    const client = new Client(url, { connectTimeoutMs: 300 });
    await assert.rejects(client.connect(), (error) => {
      assert.match(error.message, /not open after 300 ms/);
      return error.code === 'unreachable';
    });
    await client.close();
  });
}

test('a connection that opened in time stays open after it', async () => {
  const server = await new Server().start();
  const ann = await new Client(server.url, { user: 'ann', connectTimeoutMs: 200 }).connect();
  await sleep(400);
  await ann.join('tea');
  assert.equal(ann.reconnects, 0);
  await ann.close();
  await server.drain();
});

/** Whether it ends within 20 s, which is less than `ws` gives a close. */
const inTime = (work) =>
  Promise.race([work.then(() => true), sleep(20_000, false, { ref: false })]);

test('a close without an answer ends in time, for all', WHILE_SLOW, async (context) => {
  const url = await bytesServer(context, (socket, head) => upgrade(socket, head, WELCOME));
  for (const paused of [false, true]) {
    const options = { user: 'ann', closeTimeoutMs: 200, queueMax: 1 };
    const ann = await new Client(url, options).connect();
    if (paused) await sleep(100); // it has read as much as it keeps
    let ends = 0;
    ann.on('end', () => ++ends);
    const closes = Promise.all([ann.close(), ann.close().then(() => assert.equal(ends, 1))]);
    assert.ok(await inTime(closes));
    assert.equal(ends, 1);
  }
});

test('a server that closes and does not end it is left in time', WHILE_SLOW, async (context) => {
  const url = await bytesServer(context, (socket, head, number) => {
    upgrade(socket, head, WELCOME);
    if (number === 1) socket.write(Buffer.from([0x88, 0x02, 0x03, 0xe8]));
  });
  const options = { user: 'ann', closeTimeoutMs: 200, backoff: soon() };
  const ann = await new Client(url, options).connect();
  assert.ok(await inTime(once(ann, 'reconnect')));
  await ann.close();
});

test('closing while it connects says that it was closed', async (context) => {
  const url = await bytesServer(context, () => {});
  const client = new Client(url);
  const connecting = client.connect();
  const refused = assert.rejects(connecting, ConnectionClosed);
  await client.close();
  await refused;
  await assert.rejects(client.connect(), (error) => {
    return error instanceof ConnectionClosed && /make a new one/.test(error.message);
  });
});
