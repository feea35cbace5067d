'use strict';
// `require('chinwag').Client` against real servers that go away and come back.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');
const test = require('node:test');
const { WebSocketServer } = require('ws');
const { Backoff, Client, ConnectionClosed, Server } = require('chinwag');

test('back-off grows, is bounded and starts again', () => {
  const backoff = new Backoff({ firstMs: 100, mostMs: 1000, random: () => 1 });
  const delays = Array.from({ length: 6 }, () => backoff.nextMs());
  assert.deepEqual(delays, [100, 200, 400, 800, 1000, 1000]);
  backoff.reset();
  assert.equal(backoff.nextMs(), 100);
});

test('names with spaces and signs arrive as they are, and no name gives one', async () => {
  const server = await new Server().start();
  const odd = await new Client(server.url, { user: 'Zoë & co+1' }).connect();
  assert.equal((await odd.receive()).user, 'Zoë & co+1');
  const anonymous = await new Client(server.url).connect();
  const welcome = await anonymous.receive();
  assert.notEqual(welcome.user, '');
  assert.equal(anonymous.user, welcome.user);
  await Promise.all([odd.close(), anonymous.close()]);
  await server.drain();
});

test('messages() and direct()', async () => {
  const server = await new Server().start();
  const ann = await new Client(server.url, { user: 'ann' }).connect();
  const bob = await new Client(server.url, { user: 'bob' }).connect();
  await ann.receive();
  await bob.direct('ann', 'psst');
  for await (const message of ann.messages()) {
    assert.deepEqual([message.type, message.user, message.content], ['direct', 'bob', 'psst']);
    break;
  }
  await Promise.all([ann.close(), bob.close()]);
  await server.drain();
});

test('after a break it comes back into its rooms', async () => {
  const first = await new Server().start();
  const { port } = first;
  const backoff = new Backoff({ firstMs: 10, mostMs: 50 });
  const ann = await new Client(first.url, { user: 'ann', backoff }).connect();
  await ann.join('tea');
  await first.drain();
  const second = await new Server({ port }).start();
  await ann.send('tea', 'back');
  let message;
  do message = await ann.receive();
  while (message.type !== 'message');
  assert.equal(message.content, 'back');
  assert.equal(ann.reconnects, 1);
  await ann.close();
  await second.drain();
});

test('a server that says nothing is a break', async () => {
  const silent = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  let connections = 0;
  const twice = new Promise((resolve) => {
    silent.on('connection', () => ++connections === 2 && resolve());
  });
  await new Promise((resolve) => silent.once('listening', resolve));
  const client = new Client(`ws://127.0.0.1:${silent.address().port}`, {
    heartbeatMs: 50,
    backoff: new Backoff({ firstMs: 10, mostMs: 50 }),
  });
  await client.connect();
  await twice;
  await client.close();
  for (const one of silent.clients) one.terminate();
  silent.close();
});

test('a reader that is slow makes the server wait and loses nothing', async () => {
  const server = await new Server().start();
  const options = { user: 'ann', queueMax: 10, heartbeatMs: 50 };
  const ann = await new Client(server.url, options).connect();
  await ann.join('tea');
  for (let i = 0; i < 500; ++i) server.publish('tea', String(i));
  await sleep(300);
  for (let i = 0; i < 500; ) {
    const message = await ann.receive();
    if (message.type !== 'message') continue;
    assert.equal(message.content, String(i++));
  }
  assert.equal(ann.reconnects, 0);
  await ann.close();
  await server.drain();
});

test('a reader that goes on when a heartbeat is due keeps its connection', async () => {
  const server = await new Server().start();
  const options = { user: 'ann', queueMax: 10, heartbeatMs: 50 };
  const ann = await new Client(server.url, options).connect();
  await ann.join('tea');
  for (let i = 0; i < 20; ++i) server.publish('tea', String(i));
  await sleep(200); // it does not read
  for (const end = Date.now() + 100; Date.now() < end; ); // nothing runs, and a heartbeat is due
  let breaks = 0;
  ann.on('disconnect', () => ++breaks);
  for (let i = 0; i < 20; ++i) await ann.receive();
  await sleep(50);
  assert.equal(breaks, 0);
  await ann.close();
  await server.drain();
});

test('what can not be reached says so', async () => {
  await assert.rejects(new Client('ws://127.0.0.1:9/ws').connect(), { code: 'unreachable' });
  assert.throws(() => new Client('no url'), { code: 'bad_url' });
  const server = await new Server().start();
  const elsewhere = new Client(`ws://127.0.0.1:${server.port}/nothing`);
  await assert.rejects(elsewhere.connect(), { code: 'handshake_refused' });
  await server.drain();
});

test('a refusal belongs to the join that was refused', async () => {
  const server = new Server();
  server.on('join', (join) => join.room === 'no' && join.refuse('not here'));
  server.on('message', (message) => message.content === 'spam' && message.refuse('no spam'));
  await server.start();
  const ann = await new Client(server.url, { user: 'ann' }).connect();
  await ann.join('a');
  for (let i = 0; i < 20; ++i) {
    await ann.send('a', 'spam'); // its refusal comes while the joins wait
    const outcomes = await Promise.allSettled([ann.join('b'), ann.join('no'), ann.join('b')]);
    const reasons = outcomes.map((one) => one.reason?.message);
    assert.deepEqual(reasons, [undefined, 'not here', undefined]);
    await ann.leave('b');
  }
  await ann.close();
  await server.drain();
});

test('closing while it comes back leaves no connection behind', async () => {
  const first = await new Server().start();
  const { port } = first;
  const backoff = new Backoff({ firstMs: 1, mostMs: 1 });
  const ann = await new Client(first.url, { user: 'ann', backoff }).connect();
  await first.drain();
  const second = await new Server({ port }).start();
  for (let i = 0; i < 200 && second.stats().accepted === 0; ++i) await sleep(1);
  await ann.close();
  for (let i = 0; i < 200 && second.stats().connections > 0; ++i) await sleep(10);
  assert.equal(second.stats().connections, 0);
  await second.drain();
});

test('a peer that takes the connection and says nothing is unreachable', async () => {
  const silent = net.createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const client = new Client(`ws://127.0.0.1:${silent.address().port}/ws`);
  await assert.rejects(client.connect(), { code: 'unreachable' });
  silent.close();
});

test('closing ends the stream and whoever waits', async () => {
  const server = await new Server().start();
  const client = await new Client(server.url).connect();
  await client.receive();
  const waiting = client.receive();
  await Promise.all([client.close(), client.close()]);
  assert.equal(await waiting, null);
  assert.equal(await client.receive(), null);
  await assert.rejects(client.join('tea'), ConnectionClosed);
  await server.drain();
});

const HALF = 'hi 😀'.slice(0, 4);

const unsendable = {
  'send half a pair': [(ann) => ann.send('tea', HALF), 'bad_content'],
  'send too much': [(ann) => ann.send('tea', 'x'.repeat(70_000)), 'bad_content'],
  'send to half a pair': [(ann) => ann.send(HALF, 'x'), 'bad_name'],
  'send to no room': [(ann) => ann.send('', 'x'), 'bad_name'],
  'direct half a pair': [(ann) => ann.direct('ann', HALF), 'bad_content'],
  'direct to half a pair': [(ann) => ann.direct(HALF, 'x'), 'bad_name'],
  'leave half a pair': [(ann) => ann.leave(HALF), 'bad_name'],
  'join half a pair': [(ann) => ann.join(HALF), 'bad_name'],
  'join a long name': [(ann) => ann.join('r'.repeat(70_000)), 'bad_name'],
  'join a line': [(ann) => ann.join('tea\n'), 'bad_name'],
};
for (const [what, [call, code]] of Object.entries(unsendable)) {
  test(`${what}: an error of the call that costs no connection`, async () => {
    const server = await new Server().start();
    const ann = await new Client(server.url, { user: 'ann' }).connect();
    await ann.join('tea');
    await assert.rejects(call(ann), { code });
    await ann.send('tea', 'fine');
    let message;
    do message = await ann.receive();
    while (message.type !== 'message');
    assert.equal(message.content, 'fine');
    assert.equal(server.stats().upgrades, 1);
    await ann.close();
    await server.drain();
  });
}

test('a name that no user may have is an error at once, and no name is none', async () => {
  for (const user of [HALF, 'u'.repeat(65), 'ann\n']) {
    assert.throws(() => new Client('ws://127.0.0.1:9/ws', { user }), { code: 'bad_name' });
  }
  assert.throws(() => new Client('ws://127.0.0.1:9/ws', { user: 5 }), TypeError);
  const server = await new Server().start();
  const ann = await new Client(server.url, { user: null }).connect();
  await ann.receive();
  assert.notEqual(ann.user, 'null');
  await ann.close();
  await server.drain();
});

test('the longest content arrives', async () => {
  const server = await new Server().start();
  const ann = await new Client(server.url, { user: 'ann' }).connect();
  await ann.join('tea');
  const around = JSON.stringify({ type: 'message', room: 'tea', content: '' }).length;
  const content = 'x'.repeat(65_536 - around);
  await assert.rejects(ann.send('tea', `${content}x`), { code: 'bad_content' });
  await ann.send('tea', content);
  let message;
  do message = await ann.receive();
  while (message.type !== 'message');
  assert.equal(message.content, content);
  await ann.close();
  await server.drain();
});

/** Short delays that are written down as if they were long ones. */
class Recorded extends Backoff {
  delays = [];

  constructor() {
    super({ firstMs: 1000, mostMs: 16_000, random: () => 1 });
  }

  nextMs() {
    this.delays.push(super.nextMs());
    return 1;
  }
}

async function turnedAway(code, tries) {
  const server = new Server();
  server.on('open', (connection) => connection.close(code));
  await server.start();
  const backoff = new Recorded();
  const ann = await new Client(server.url, { user: 'ann', backoff }).connect();
  while (backoff.delays.length < tries) await sleep(5);
  await ann.close();
  await server.drain();
  return backoff.delays.slice(0, tries);
}

for (const code of [1008, 1013, 3001]) {
  test(`a server that turns it away by ${code} is asked less and less often`, async () => {
    assert.deepEqual(await turnedAway(code, 6), [1000, 2000, 4000, 8000, 16_000, 16_000]);
  });
}

test('after a connection that lasted it comes back soon', async (context) => {
  let now = 0;
  context.mock.method(performance, 'now', () => (now += 10_000));
  assert.deepEqual(await turnedAway(1012, 3), [1000, 1000, 1000]);
});

test('a join that ends every connection is given up', async () => {
  const server = new Server();
  server.on('join', async (join) => {
    join.connection.close(3001);
    await sleep(100);
  });
  await server.start();
  const backoff = new Backoff({ firstMs: 1, mostMs: 1 });
  const ann = await new Client(server.url, { user: 'ann', backoff }).connect();
  await assert.rejects(ann.join('tea', { timeoutMs: 20_000 }), /3 connections/);
  await ann.direct('ann', 'still there');
  await ann.close();
  await server.drain();
});

test('a join waits no longer than it was told to when nothing is connected', async () => {
  const server = await new Server().start();
  const ann = await new Client(server.url, { user: 'ann' }).connect();
  await server.drain();
  const outcome = ann.join('tea', { timeoutMs: 100 }).catch((error) => error.code);
  assert.equal(await Promise.race([outcome, sleep(10_000, 'waits', { ref: false })]), 'timeout');
  await ann.close();
});

for (const tried of [false, true]) {
  test(`a client that ${tried ? 'could not connect' : 'never connected'} says so`, async () => {
    const client = new Client('ws://127.0.0.1:9/ws', { user: 'ann' });
    if (tried) await assert.rejects(client.connect());
    const calls = [
      () => client.send('tea', 'x'),
      () => client.direct('bob', 'x'),
      () => client.join('tea'),
      () => client.leave('tea'),
      () => client.receive(),
    ];
    for (const call of calls) {
      await assert.rejects(call(), { code: 'connection_closed', message: 'connect first' });
    }
  });
}

test('a reader that is behind may join another room', async () => {
  const server = await new Server().start();
  const ann = await new Client(server.url, { user: 'ann', queueMax: 10 }).connect();
  await ann.join('tea');
  for (let i = 0; i < 500; ++i) server.publish('tea', String(i));
  await ann.receive();
  await sleep(200); // it has read as much as it keeps
  await ann.join('coffee');
  for (let i = 0; i < 500; ) {
    const message = await ann.receive();
    if (message.type !== 'message') continue;
    assert.equal(message.content, String(i++));
  }
  await ann.close();
  await server.drain();
});

test('a loop over messages() gets all of them, whoever else listens', async () => {
  const server = await new Server().start();
  const ann = await new Client(server.url, { user: 'ann' }).connect();
  let heard = 0;
  ann.on('message', ({ type }) => (heard += type === 'message'));
  const loop = (async () => {
    let got = 0;
    for await (const { type, content } of ann.messages()) {
      if (type !== 'message') continue;
      assert.equal(content, String(got));
      if (++got === 20) return;
      await sleep(2);
    }
  })();
  await ann.join('tea');
  for (let i = 0; i < 20; ++i) server.publish('tea', String(i));
  await loop;
  assert.equal(heard, 20);
  await ann.close();
  await server.drain();
});

test('a peer that speaks something else is a break', async () => {
  const odd = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  odd.on('connection', (socket) => socket.send('[1]'));
  await once(odd, 'listening');
  const client = new Client(`ws://127.0.0.1:${odd.address().port}`, { reconnect: false });
  await client.connect();
  assert.equal(await client.receive(), null);
  odd.close();
});

test('a receive() that was given a time takes no message after it', async () => {
  const server = await new Server().start();
  const ann = await new Client(server.url, { user: 'ann' }).connect();
  await ann.join('tea');
  for (let i = 0; i < 2; ++i) await ann.receive();
  await assert.rejects(ann.receive({ timeoutMs: 20 }), { code: 'timeout' });
  server.publish('tea', 'one');
  assert.equal((await ann.receive({ timeoutMs: 10_000 })).content, 'one');
  await ann.close();
  await server.drain();
});
