'use strict';
// What goes wrong in a program's listeners: it costs nobody a verdict, a server or the process.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { errorMonitor, once } = require('node:events');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const test = require('node:test');
const { promisify } = require('node:util');
const { Client, Server } = require('chinwag');

const ROOT = path.resolve(__dirname, '../../..');

/** What a program prints; rejects unless it ends with 0 by itself. */
const run = (program, ...flags) =>
  promisify(execFile)(process.execPath, [...flags, '-e', program], { cwd: ROOT, timeout: 60_000 });

async function next(client, type) {
  for (;;) {
    const message = await client.receive({ timeoutMs: 10_000 });
    assert.notEqual(message, null, `ended without ${type}`);
    if (message.type === type) return message;
  }
}

/** Runs with the warnings that this library makes meanwhile. */
async function withWarnings(work) {
  const warnings = [];
  const note = ({ name, message }) => name === 'ChinwagWarning' && warnings.push(message);
  process.on('warning', note);
  try {
    await work(warnings);
    await sleep(0);
  } finally {
    process.off('warning', note);
  }
}

class Unshowable extends Error {
  get stack() {
    throw new Error('no stack');
  }
}

const faults = {
  throws: () => {
    throw new Error('worse');
  },
  rejects: async () => {
    throw new Error('worse');
  },
  'rejects later': async () => {
    await sleep(10);
    throw new Error('worse');
  },
  'throws what can not be shown': () => {
    throw new Unshowable();
  },
  'throws nothing': () => {
    throw undefined;
  },
  'returns what is no promise': () => ({
    then() {
      throw new Error('worse');
    },
  }),
};

for (const [what, fault] of Object.entries(faults)) {
  test(`an error listener that ${what}: verdicts come, and one warning`, async () => {
    await withWarnings(async (warnings) => {
      const server = new Server();
      server.on('message', (message) => {
        if (message.content !== 'fine') throw new Error('bad');
      });
      server.on('error', fault);
      let others = 0;
      server.on('error', () => ++others);
      await server.start();
      const ann = await new Client(server.url, { user: 'ann' }).connect();
      await ann.join('tea');
      for (const content of ['a', 'b', 'fine']) await ann.send('tea', content);
      for (let i = 0; i < 2; ++i) assert.equal((await next(ann, 'error')).code, 'unavailable');
      assert.equal((await next(ann, 'message')).content, 'fine');
      await ann.close();
      await server.drain();
      for (let i = 0; i < 200 && server.stats().handler_errors < 4; ++i) await sleep(10);
      assert.equal(server.stats().handler_errors, 4);
      assert.equal(others, 2, 'the listener behind it is called, too');
      assert.equal(warnings.length, 1);
      assert.match(warnings[0], /a listener of 'error' failed/);
    });
  });

  test(`a log listener that ${what}: the server serves and ends`, async () => {
    await withWarnings(async (warnings) => {
      const server = new Server();
      server.on('log', fault);
      server.on('end', fault);
      await server.start();
      const ann = await new Client(server.url, { user: 'ann' }).connect();
      await ann.join('tea');
      await ann.close();
      await server.drain();
      for (let i = 0; i < 200 && warnings.length < 2; ++i) await sleep(10);
      const about = warnings.map((text) => /listener of '(\w+)'/.exec(text)[1]);
      assert.deepEqual(about.sort(), ['end', 'log']);
    });
  });
}

test('a handler that throws what can not be shown is printed all the same', async () => {
  const { stdout, stderr } = await run(
    `const { Server, Client } = require('chinwag');
     const { inspect } = require('node:util');
     const server = new Server();
     server.on('open', () => { throw { [inspect.custom]() { throw new Error('hidden'); } }; });
     server.start().then(async () => {
       const ann = await new Client(server.url).connect(); await ann.join('tea');
       await ann.close(); await server.drain(); console.log('served');
     });`,
  );
  assert.equal(stdout, 'served\n');
  assert.match(stderr, /a listener of 'open' failed: an error that can not be shown/);
});

test('errors are seen by those who watch them', async () => {
  const server = new Server();
  const seen = [];
  server.on('open', () => {
    throw new Error('boom');
  });
  server.on(errorMonitor, (error) => seen.push(`watched ${error.message}`));
  server.on('error', (error) => seen.push(`heard ${error.message}`));
  await server.start();
  const ann = await new Client(server.url).connect();
  await ann.join('tea');
  await ann.close();
  await server.drain();
  assert.deepEqual(seen, ['watched boom', 'heard boom']);
});

test('a verdict that is none is an error where it is given', async () => {
  const errors = [];
  const server = new Server();
  const verdicts = {
    long: (message) => (message.content = 'é'.repeat(32_769)),
    'long answer': (message) => message.answer('x'.repeat(65_537)),
    'no text': (message) => message.refuse(5),
    'odd code': (message) => message.refuse('no', 'no such code'),
    'no code': (message) => message.refuse('no', Symbol('code')),
    'odd close': (message) => message.connection.close(1e9),
    'no close': (message) => message.connection.close('1008'),
    'own close': (message) => message.connection.close(1005),
    'no connection': () => server.close({ close: () => true }),
  };
  server.on('message', (message) => void verdicts[message.content](message));
  server.on('error', (error, about) => errors.push([about.content, error.code, error.message]));
  await server.start();
  const ann = await new Client(server.url, { user: 'ann' }).connect();
  await ann.join('tea');
  for (const content of Object.keys(verdicts)) {
    await ann.send('tea', content);
    assert.equal((await next(ann, 'error')).code, 'unavailable');
  }
  await ann.close();
  await server.drain();
  assert.deepEqual(errors.map(([about, code]) => [about, code]), [
    ['long', 'bad_content'],
    ['long answer', 'bad_content'],
    ['no text', undefined],
    ['odd code', 'bad_refusal'],
    ['no code', undefined],
    ['odd close', 'bad_close_code'],
    ['no close', undefined],
    ['own close', 'bad_close_code'],
    ['no connection', undefined],
  ]);
  assert.match(errors[0][2], /content has 65538 bytes of UTF-8: give at most 65536/);
  assert.match(errors[5][2], /^1000000000 is no close code/);
});

for (const method of ['on', 'addListener', 'prependListener', 'once', 'prependOnceListener']) {
  test(`${method}() for what a running server does not tell of is an error`, async () => {
    const server = new Server();
    server.on('open', () => {});
    await server.start();
    server.removeAllListeners();
    assert.throws(() => server[method]('message', () => {}), { code: 'already_running' });
    const opened = new Promise((resolve) => server[method]('open', resolve));
    const ann = await new Client(server.url, { user: 'ann' }).connect();
    assert.equal((await opened).user, 'ann');
    await ann.close();
    await server.drain();
  });
}

test("a client's listener that throws is uncaught, and the client reads on", async () => {
  const { stdout } = await run(
    `const { Server, Client, Backoff } = require('chinwag');
     process.on('uncaughtException', (error) => console.log('uncaught ' + error.message));
     (async () => {
       const server = await new Server().start();
       const backoff = new Backoff({ firstMs: 1, mostMs: 1 });
       const ann = await new Client(server.url, { user: 'ann', backoff }).connect();
       const heard = [];
       ann.on('message', ({ type, content }) => {
         if (type !== 'message') return;
         heard.push(content);
         throw new Error(content);
       });
       for (const name of ['disconnect', 'reconnect', 'end']) {
         ann.on(name, () => { throw new Error(name); });
       }
       await ann.join('tea');
       for (const content of ['a', 'b']) await ann.send('tea', content);
       await ann.join('coffee');
       await server.drain();
       const again = await new Server({ port: server.port }).start();
       await ann.join('milk');
       await ann.close();
       await again.drain();
       console.log('heard ' + heard);
     })();`,
  );
  const lines = stdout.trim().split('\n').sort();
  const uncaught = ['a', 'b', 'disconnect', 'end', 'reconnect'].map((what) => `uncaught ${what}`);
  assert.deepEqual(lines, ['heard a,b', ...uncaught]);
});

test('a client that is closed as it hears of a break tries no more', async () => {
  let tries = 0;
  const backoff = { nextMs: () => ++tries, reset() {} };
  const server = await new Server().start();
  const ann = await new Client(server.url, { user: 'ann', backoff }).connect();
  const ended = once(ann, 'end');
  ann.on('disconnect', () => ann.close());
  await server.drain();
  await ended;
  assert.equal(tries, 0);
});
