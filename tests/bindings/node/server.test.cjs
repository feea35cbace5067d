'use strict';
// `require('chinwag').Server`: a server inside this process, spoken to over a real socket.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const http = require('node:http');
const net = require('node:net');
const test = require('node:test');
const { ChinwagError, Client, ConnectionClosed, Refused, Server, version } = require('chinwag');

const health = (port) =>
  new Promise((resolve, reject) => {
    http
      .get({ port, path: '/health', agent: false }, (answer) => {
        answer.setEncoding('utf8');
        answer.on('data', (text) => resolve(JSON.parse(text)));
      })
      .on('error', reject);
  });

async function next(client, type) {
  for (;;) {
    const message = await soon(client.receive());
    assert.notEqual(message, null, `ended without ${type}`);
    if (message.type === type) return message;
  }
}

/** What is waited for, within 10 s. */
function soon(work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('nothing came in 10 s')), 10_000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** A server with these handlers, and a client in its room `tea`. */
async function served(handlers, run, options = {}) {
  const server = new Server(options);
  for (const [name, handler] of Object.entries(handlers)) server.on(name, handler);
  await server.start();
  const ann = await new Client(server.url, { user: 'ann' }).connect();
  try {
    await ann.join('tea');
    await run(server, ann);
  } finally {
    await ann.close();
    await server.drain();
  }
}

test('a room is served and counted', async () => {
  await served({}, async (server, ann) => {
    await ann.send('tea', 'hello');
    assert.equal((await next(ann, 'message')).content, 'hello');
    assert.deepEqual([...server.rooms], [['tea', 1]]);
    assert.deepEqual(server.members('tea').map((one) => one.user), ['ann']);
    assert.equal(server.stats().messages_in.message, 1);
    const answer = await health(server.port);
    assert.deepEqual([answer.status, answer.pid, answer.version], ['ok', process.pid, version]);
  });
});

test('plain and async handlers change, refuse and answer', async () => {
  const message = async (asked) => {
    await null;
    if (asked.content === 'bad') asked.refuse('mind your words');
    if (asked.content === 'ask') asked.answer('42');
    if (asked.content === 'loud') asked.content = 'LOUD';
  };
  await served({ message }, async (_server, ann) => {
    for (const content of ['loud', 'bad', 'ask', 'same']) await ann.send('tea', content);
    // What is for one connection alone may come before what is for the room.
    const told = [];
    while (told.length < 6) told.push(await soon(ann.receive()));
    assert.deepEqual(told.slice(2).map((one) => [one.type, one.user, one.content]).sort(), [
      ['direct', 'server', '42'],
      ['error', '', 'mind your words'],
      ['message', 'ann', 'LOUD'],
      ['message', 'ann', 'same'],
    ]);
  });
});

test('a slow handler keeps one client in order and nobody else waiting', async () => {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  const message = (asked) => (asked.content === 'slow' ? released : undefined);
  await served({ message }, async (server, ann) => {
    const bob = await new Client(server.url, { user: 'bob' }).connect();
    await bob.join('tea');
    await ann.send('tea', 'slow');
    await ann.send('tea', 'quick');
    await bob.send('tea', 'meanwhile');
    assert.equal((await next(bob, 'message')).content, 'meanwhile');
    release();
    assert.equal((await next(bob, 'message')).content, 'slow');
    assert.equal((await next(bob, 'message')).content, 'quick');
    await bob.close();
  });
});

test('a handler that throws or rejects is told of, counted, and refuses one message', async () => {
  const errors = [];
  const handlers = {
    message: (asked) => {
      if (asked.content === 'boom') throw new Error('boom');
      if (asked.content === 'later') return Promise.reject(new Error('later'));
      return undefined;
    },
    error: (error) => errors.push(error.message),
  };
  await served(handlers, async (server, ann) => {
    for (const content of ['boom', 'later', 'fine']) await ann.send('tea', content);
    assert.equal((await next(ann, 'error')).code, 'unavailable');
    assert.equal((await next(ann, 'error')).code, 'unavailable');
    assert.equal((await next(ann, 'message')).content, 'fine');
    assert.equal(server.stats().handler_errors, 2);
  });
  assert.deepEqual(errors, ['boom', 'later']);
});

test('a verdict that is not valid costs only its own message', async () => {
  const handlers = {
    message: (asked) => {
      if (asked.content === 'long') asked.content = 'x'.repeat(70_000);
      if (asked.content === 'odd') asked.refuse('no', 'no such code');
    },
    error: () => {},
  };
  await served(handlers, async (_server, ann) => {
    for (const content of ['long', 'odd', 'fine']) await ann.send('tea', content);
    assert.equal((await next(ann, 'error')).code, 'unavailable');
    assert.equal((await next(ann, 'error')).code, 'unavailable');
    assert.equal((await next(ann, 'message')).content, 'fine');
  });
});

test('open, join and close are heard', async () => {
  const heard = [];
  const handlers = {
    open: (connection) => heard.push(`+${connection.user}`),
    join: (asked) => asked.room === 'private' && asked.refuse('members only'),
    close: (connection, code) => heard.push(`-${connection.user} ${code}`),
  };
  await served(handlers, async (_server, ann) => {
    await assert.rejects(ann.join('private'), (error) => {
      return error instanceof Refused && error.code === 'forbidden';
    });
  });
  assert.deepEqual(heard, ['+ann', '-ann 1000']);
});

test('publish, sendTo and close reach clients', async () => {
  const server = await new Server().start();
  const ann = await new Client(server.url, { user: 'ann', reconnect: false }).connect();
  await ann.join('tea');
  server.publish('tea', 'ding', 'bell');
  const message = await next(ann, 'message');
  assert.deepEqual([message.user, message.content], ['bell', 'ding']);
  server.sendTo('ann', 'psst');
  assert.equal((await next(ann, 'direct')).content, 'psst');
  const [connection] = server.members('tea');
  connection.send('you there');
  assert.equal((await next(ann, 'direct')).content, 'you there');
  server.close(connection, 3001);
  assert.equal(await ann.receive(), null);
  assert.equal(connection.close(), false);
  assert.equal(connection.send('late'), false);
  await assert.rejects(ann.send('tea', 'late'), ConnectionClosed);
  await server.drain();
});

test('draining ends it, and draining again is harmless', async () => {
  const server = await new Server().start();
  await Promise.all([server.drain(1000), server.drain()]);
  await assert.rejects(health(server.port), { code: 'ECONNREFUSED' });
  assert.throws(() => server.publish('tea', 'late'), { code: 'not_running' });
});

test('a goodbye before a drain arrives, and close handlers are waited for', async () => {
  for (let i = 0; i < 20; ++i) {
    const closed = [];
    const server = new Server();
    server.on('close', async (connection, code) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      closed.push(code);
    });
    await server.drain(); // before the start: nothing to do
    await server.start();
    const ann = await new Client(server.url, { user: 'ann', reconnect: false }).connect();
    await ann.join('tea');
    server.publish('tea', 'goodbye');
    await server.drain();
    assert.deepEqual(closed, [1012]);
    const said = [];
    for await (const { content } of ann.messages()) said.push(content);
    assert.ok(said.includes('goodbye'));
  }
});

test('a listener for once is called once', async () => {
  const server = new Server();
  const heard = [];
  server.once('open', (connection) => heard.push(connection.user));
  await server.start();
  for (const user of ['ann', 'bob']) {
    const client = await new Client(server.url, { user }).connect();
    await client.join('tea');
    await client.close();
  }
  await server.drain();
  assert.deepEqual(heard, ['ann']);
});

test('a wrong option says what is right', () => {
  assert.throws(() => new Server({ idle_timeout: 5 }), { code: 'unknown_option' });
  assert.throws(() => new Server({ port: 'tea' }), (error) => {
    return error instanceof ChinwagError && /port.*0 to 65535/.test(error.message);
  });
  assert.throws(() => new Server(4000), TypeError);
});

test('a port in use is an error with a code', async () => {
  const server = await new Server().start();
  await assert.rejects(new Server({ port: server.port }).start(), { code: 'port_in_use' });
  await server.drain();
});

test('wrong use says what to do', async () => {
  const server = new Server();
  assert.throws(() => server.port, { code: 'not_running' });
  assert.throws(() => server.publish('tea', 'x'), { code: 'not_running' });
  await server.start();
  assert.throws(() => server.on('message', () => {}), { code: 'already_running' });
  await assert.rejects(server.start(), { code: 'already_running' });
  assert.throws(() => server.publish('', 'x'), { code: 'bad_name' });
  assert.throws(() => server.publish('tea', 'x'.repeat(65_537)), { code: 'bad_content' });
  assert.throws(() => server.publish('tea', 42), TypeError);
  await server.drain();
});

test('the package is importable as a module', async () => {
  const imported = await import('chinwag');
  assert.equal(imported.Server, Server);
  assert.deepEqual(Object.keys(imported).filter((name) => name !== 'default').sort(),
    Object.keys(require('chinwag')).sort());
});

/** A peer whose first segment has its request and its close. */
function upgradeAndClose(port) {
  const peer = net.connect(port, '127.0.0.1');
  peer.on('error', () => {});
  peer.resume();
  const request =
    'GET /ws?user=eve HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
  peer.write(Buffer.concat([Buffer.from(request), Buffer.from([0x88, 0x82, 0, 0, 0, 0, 3, 0xe8])]));
  return peer;
}

test('a connection that is gone when its listener runs is no error', async () => {
  const errors = [];
  const server = new Server();
  const closed = new Promise((resolve) => server.on('close', resolve));
  server.on('error', (error) => errors.push(error));
  const reached = new Promise((resolve) => {
    server.on('open', async (connection) => {
      await closed;
      resolve([connection.send('hello'), connection.close(1008)]);
    });
  });
  await server.start();
  const peer = upgradeAndClose(server.port);
  assert.deepEqual(await soon(reached), [false, false]);
  assert.deepEqual(errors, []);
  peer.destroy();
  await server.drain();
});

test('the first refusal or answer is final', async () => {
  const asked = [];
  const server = new Server();
  server.on('message', (message) => {
    if (message.content.includes('spam')) message.refuse('no spam');
  });
  server.on('message', async (message) => {
    await null;
    if (message.content === '/help') message.answer('ask away');
  });
  server.on('message', (message) => {
    asked.push(message.content);
    message.content = message.content.trim();
  });
  await server.start();
  const ann = await new Client(server.url, { user: 'ann' }).connect();
  await ann.join('tea');
  for (const content of ['buy spam', '/help', ' fine ']) await ann.send('tea', content);
  assert.equal((await next(ann, 'error')).content, 'no spam');
  assert.equal((await next(ann, 'direct')).content, 'ask away');
  assert.equal((await next(ann, 'message')).content, 'fine');
  assert.deepEqual(asked, [' fine ']);
  await ann.close();
  await server.drain();
});

test('what is decided can not be decided again', async () => {
  const kept = [];
  const errors = [];
  const message = (asked) => {
    kept.push(asked);
    if (asked.content !== '') return;
    asked.refuse('say something', 'bad_request');
    asked.content = 'nothing';
  };
  const error = ({ code }) => errors.push(code);
  await served({ message, error }, async (_server, ann) => {
    await ann.send('tea', '');
    const refused = await next(ann, 'error');
    assert.deepEqual([refused.code, refused.content], ['bad_request', 'say something']);
    await ann.send('tea', 'fine');
    await next(ann, 'message');
  });
  assert.deepEqual(errors, ['already_decided']);
  const again = [
    () => kept[1].refuse(),
    () => kept[1].answer('x'),
    () => {
      kept[1].content = 'late';
    },
  ];
  for (const one of again) assert.throws(one, { code: 'already_decided' });
  assert.equal(kept[1].content, 'fine');
});

test('a zero byte is a character like any other', async () => {
  await served({}, async (server, ann) => {
    server.publish('tea', 'a\0b');
    assert.equal((await next(ann, 'message')).content, 'a\0b');
  });
});

test('half of a surrogate pair is an error where it is given', async () => {
  const half = '\ud83d'; // of an emoji
  const codeOf = (call) => {
    try {
      call();
    } catch (error) {
      return error.code;
    }
    return 'none';
  };
  const codes = [];
  const judge = (message) => {
    codes.push(codeOf(() => message.answer(half)));
    codes.push(codeOf(() => message.refuse(half)));
    codes.push(codeOf(() => message.connection.send(half)));
    codes.push(codeOf(() => (message.content = half)));
  };
  await served({ message: judge }, async (server, ann) => {
    assert.equal(codeOf(() => server.publish('tea', half)), 'bad_content');
    assert.equal(codeOf(() => server.publish(half, 'x')), 'bad_name');
    assert.equal(codeOf(() => server.sendTo(half, 'x')), 'bad_name');
    assert.equal(codeOf(() => server.sendTo('ann', 'x', half)), 'bad_name');
    assert.equal(codeOf(() => server.members(half)), 'bad_name');
    await ann.send('tea', 'fine');
    assert.equal((await next(ann, 'message')).content, 'fine');
    assert.deepEqual(codes, Array(4).fill('bad_content'));
  });
});

test('an option that is undefined is not given', async () => {
  const server = await new Server({ port: undefined, host: undefined, echo: undefined }).start();
  assert.equal(server.url, `ws://127.0.0.1:${server.port}/ws`);
  await server.drain();
});

test('its url is one that a client can connect to', async () => {
  const server = await new Server({ host: '::1' }).start();
  const ann = await new Client(server.url).connect();
  await ann.close();
  await server.drain();
});

/** Ten clients in a process of their own, which say so many things each and vanish. */
const flood = (url, each) => `
  const { Client } = require('chinwag');
  Promise.all(Array.from({ length: 10 }, async (_, i) => {
    const one = await new Client('${url}', { user: 'u' + i }).connect();
    await one.join('tea');
    for (let i = 0; i < ${each}; ++i) await one.send('tea', String(i));
  })).then(() => setTimeout(() => process.exit(), 200));`;

test('however much has waited, the event loop gets its turns', { timeout: 60_000 }, async () => {
  const heard = [0]; // messages in each turn of the loop
  const server = new Server();
  server.on('message', () => void heard.push(heard.pop() + 1));
  await server.start();
  // Nothing runs here meanwhile.
  execFileSync(process.execPath, ['-e', flood(server.url, 500)], { cwd: __dirname });
  while (heard.reduce((sum, one) => sum + one) < 5_000) {
    await new Promise(setImmediate);
    heard.push(0);
  }
  assert.ok(Math.max(...heard) <= 1024, `${heard}`);
  await server.drain();
});
