'use strict';
// How a server ends: deadlines, listeners that are slow, a busy pool.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const test = require('node:test');
const { WebSocket } = require('ws');
const { Client, Server } = require('chinwag');

const WHILE_SLOW = { timeout: 30_000 };

for (const deadline of ['5s', {}, null, true, 5n]) {
  test(`a deadline of ${typeof deadline} is a TypeError and changes nothing`, async () => {
    const server = await new Server().start();
    await assert.rejects(server.drain(deadline), TypeError);
    server.publish('tea', 'it serves still');
    await server.drain();
  });
}

for (const deadline of [NaN, -1, -Infinity]) {
  test(`a deadline of ${deadline} is an error and changes nothing`, async () => {
    const server = await new Server().start();
    await assert.rejects(server.drain(deadline), { code: 'bad_deadline' });
    server.publish('tea', 'it serves still');
    await server.drain();
  });
}

for (const deadline of [Infinity, 2 ** 31, 2 ** 32, 1e300]) {
  test(`a deadline of ${deadline} closes as any other`, WHILE_SLOW, async () => {
    const warnings = [];
    const note = (warning) => warnings.push(warning.name);
    process.on('warning', note);
    const server = new Server();
    let handled = false;
    server.on('open', async () => {
      await sleep(100);
      handled = true;
    });
    await server.start();
    const peer = new WebSocket(server.url);
    const closed = once(peer, 'close');
    await once(peer, 'message');
    await server.drain(deadline);
    assert.ok(handled, 'the listener was waited for');
    assert.equal((await closed)[0], 1012);
    await sleep(0);
    process.off('warning', note);
    assert.deepEqual(warnings, []);
  });
}

for (const deadline of [Infinity, 2 ** 32 + 300]) {
  test(`a deadline of ${deadline} is waited for`, WHILE_SLOW, async () => {
    const server = await new Server({ close_timeout_ms: 60_000 }).start();
    // It answers neither the close nor the end of what is sent to it.
    const peer = net.connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    peer.write(
      'GET /ws HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await once(peer, 'data');
    const drained = server.drain(deadline).then(() => 'drained');
    assert.equal(await Promise.race([drained, sleep(1000, 'waits')]), 'waits');
    peer.destroy();
    await drained;
  });
}

test('after a drain the counters are the last ones, and the port is known', async () => {
  const server = new Server();
  assert.throws(() => server.stats(), { code: 'not_running' });
  await server.start();
  const { port } = server;
  const ann = await new Client(server.url, { user: 'ann', reconnect: false }).connect();
  await ann.join('tea');
  await server.drain();
  const { connections, upgrades, members, messages_in, closes } = server.stats();
  assert.deepEqual([connections, upgrades, members, messages_in.join], [0, 1, 0, 1]);
  assert.equal(closes[1012], 1);
  assert.deepEqual(server.stats(), server.stats());
  assert.equal(server.port, port);
  assert.throws(() => server.rooms, { code: 'not_running' });
});

test('a drain frees the port at once, while handlers are at work', WHILE_SLOW, async () => {
  let decide;
  const verdict = new Promise((resolve) => (decide = resolve));
  let asked;
  const reached = new Promise((resolve) => (asked = resolve));
  const server = new Server();
  server.on('message', () => {
    asked();
    return verdict;
  });
  await server.start();
  const ann = await new Client(server.url, { user: 'ann', reconnect: false }).connect();
  await ann.join('tea');
  await ann.send('tea', 'before the end');
  await reached;
  const drained = server.drain(60_000);
  const successor = await startOn(server.port);
  const bob = await new Client(server.url, { user: 'bob' }).connect();
  await bob.join('tea');
  assert.deepEqual(successor.members('tea').map((one) => one.user), ['bob']);
  decide();
  await drained;
  const said = [];
  for await (const { content } of ann.messages()) said.push(content);
  assert.ok(said.includes('before the end'), 'a verdict that comes in time counts');
  await bob.close();
  await successor.drain();
});

/** A server on a port that becomes free. */
async function startOn(port) {
  for (;;) {
    try {
      return await new Server({ port }).start();
    } catch (error) {
      if (error.code !== 'port_in_use') throw error;
      await sleep(10);
    }
  }
}

test('a drain needs no thread of the pool', WHILE_SLOW, async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'chinwag-'));
  const pipe = path.join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const server = await new Server().start();
  // Opening a pipe that nobody writes to keeps a thread.
  const busy = Array.from({ length: 64 }, () => fs.promises.open(pipe, 'r'));
  const ended = await Promise.race([server.drain(100).then(() => true), sleep(5_000, false)]);
  const writer = fs.openSync(pipe, fs.constants.O_RDWR);
  for (const one of await Promise.all(busy)) await one.close();
  fs.closeSync(writer);
  fs.rmSync(folder, { recursive: true });
  await server.drain();
  assert.ok(ended, 'the drain waited for the pool');
});

test('a listener that never ends is waited for until the deadline', WHILE_SLOW, async () => {
  const server = new Server();
  server.on('message', () => new Promise(() => {}));
  server.on('close', () => new Promise(() => {}));
  await server.start();
  const ann = await new Client(server.url, { user: 'ann', reconnect: false }).connect();
  await ann.join('tea');
  await ann.send('tea', 'x');
  await server.drain(200);
  for (let message = {}; message !== null; ) message = await ann.receive();
});
