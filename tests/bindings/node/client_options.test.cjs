'use strict';
// What a program gives a client: what is wrong is an error where it is given, not a storm later.

const assert = require('node:assert/strict');
const { constants } = require('node:buffer');
const { setTimeout: sleep } = require('node:timers/promises');
const test = require('node:test');
const { Backoff, ChinwagError, Client, Server } = require('chinwag');

const URL_OF_NOBODY = 'ws://127.0.0.1:9/ws';

/** Checks for an error that is told by its code, or a TypeError, and that says what to give. */
function isError(code, text) {
  return (error) => {
    assert.match(error.message, text);
    if (code === TypeError) return error instanceof TypeError;
    return error instanceof ChinwagError && error.code === code;
  };
}

const unbounded = isError('bad_option_value', /: give a .* from \d/);

const NUMBERS = ['heartbeatMs', 'connectTimeoutMs', 'closeTimeoutMs', 'queueMax'];
const NO_NUMBERS = ['5', null, {}, [5], true, 5n, Symbol('5')];
const OUT_OF_BOUNDS = [NaN, -1, Infinity, -Infinity, 2 ** 53];

for (const name of [...NUMBERS, 'messageBytesMax']) {
  test(`${name} is a number within its bounds`, () => {
    for (const value of NO_NUMBERS) {
      const error = isError(TypeError, new RegExp(`^${name} is a (whole )?number, not `));
      assert.throws(() => new Client(URL_OF_NOBODY, { [name]: value }), error);
    }
    for (const value of OUT_OF_BOUNDS) {
      const error = isError('bad_option_value', new RegExp(`^${name} is .*: give a .* from \\d`));
      assert.throws(() => new Client(URL_OF_NOBODY, { [name]: value }), error);
    }
    new Client(URL_OF_NOBODY, { [name]: undefined });
  });
}

test('a number just outside of its bounds is an error, and one on them is not', () => {
  const outside = { heartbeatMs: 0, connectTimeoutMs: 0, queueMax: 0, messageBytesMax: 65_535 };
  const inside = { heartbeatMs: 1, connectTimeoutMs: 1, closeTimeoutMs: 0, queueMax: 1 };
  const timers = ['heartbeatMs', 'connectTimeoutMs', 'closeTimeoutMs'];
  for (const name of timers) {
    assert.throws(() => new Client(URL_OF_NOBODY, { [name]: 2 ** 31 }), unbounded);
    new Client(URL_OF_NOBODY, { [name]: 2 ** 31 - 1 });
  }
  for (const [name, value] of Object.entries(outside)) {
    assert.throws(() => new Client(URL_OF_NOBODY, { [name]: value }), unbounded);
  }
  new Client(URL_OF_NOBODY, { ...inside, messageBytesMax: 65_536 });
  // A text of more bytes is no string.
  const tooMany = { messageBytesMax: constants.MAX_STRING_LENGTH + 1 };
  assert.throws(() => new Client(URL_OF_NOBODY, tooMany), unbounded);
});

test('other options have their types', () => {
  const wrong = [
    [{ reconnect: 1 }, /^reconnect is true or false, not number/],
    [{ reconnect: null }, /^reconnect/],
    [{ backoff: {} }, /^backoff is a Backoff/],
    [{ backoff: null }, /^backoff/],
    [{ backoff: { nextMs: () => 5 } }, /^backoff/],
    [{ user: ['ann'] }, /^user is a string, not Array/],
  ];
  for (const [options, text] of wrong) {
    assert.throws(() => new Client(URL_OF_NOBODY, options), isError(TypeError, text));
  }
  assert.throws(
    () => new Client(URL_OF_NOBODY, { heartbeat: 5 }),
    isError('unknown_option', /no option 'heartbeat': give one of user, .*heartbeatMs/),
  );
});

const NO_OPTIONS = [null, 5, 'x', [], new Map([['port', 1]]), () => {}, Promise.resolve()];

test('what is no object of options is an error', () => {
  const error = isError(TypeError, /^options is an object, such as \{ .* \}, not \w+$/);
  for (const options of NO_OPTIONS) {
    assert.throws(() => new Client(URL_OF_NOBODY, options), error);
    assert.throws(() => new Backoff(options), error);
    assert.throws(() => new Server(options), error);
  }
  new Client(URL_OF_NOBODY, Object.assign(Object.create(null), { user: 'ann' }));
});

test('a back-off has delays that a timer can have', () => {
  for (const name of ['firstMs', 'mostMs']) {
    for (const value of [NaN, -1, 0, 1e12, Infinity]) {
      const error = isError('bad_option_value', new RegExp(`^${name} is`));
      assert.throws(() => new Backoff({ [name]: value }), error);
    }
    assert.throws(() => new Backoff({ [name]: '5' }), isError(TypeError, /is a number, not/));
  }
  assert.throws(() => new Backoff({ random: 0.5 }), isError(TypeError, /^random is a function/));
  assert.throws(() => new Backoff({ most: 5 }), isError('unknown_option', /firstMs, mostMs/));
});

const oddBackoffs = {
  'gives NaN': () => NaN,
  'gives less than nothing': () => -1,
  'gives a text': () => '5',
  'gives a bigint': () => 5n,
  throws: () => {
    throw new Error('no delay');
  },
};
for (const [what, nextMs] of Object.entries(oddBackoffs)) {
  test(`a back-off of the program's own that ${what} makes no storm`, async () => {
    const warnings = [];
    const note = ({ message }) => warnings.push(message);
    process.on('warning', note);
    let asked = 0;
    const backoff = {
      nextMs: () => {
        ++asked;
        return nextMs();
      },
      reset() {},
    };
    const server = await new Server().start();
    const ann = await new Client(server.url, { user: 'ann', backoff }).connect();
    const broken = new Promise((resolve) => ann.on('disconnect', resolve));
    await server.drain();
    await broken;
    // One that tries at once is there before a client that is started now.
    const successor = await new Server({ port: server.port }).start();
    const bob = await new Client(successor.url, { user: 'bob' }).connect();
    await bob.join('tea');
    process.off('warning', note);
    assert.deepEqual([asked, successor.stats().upgrades], [1, 1]);
    assert.match(warnings.join('\n'), /^the back-off failed, the client waits 30000 ms/);
    await Promise.all([ann.close(), bob.close()]);
    await successor.drain();
  });
}

test('a URL that no client can use is an error at once', () => {
  const wrong = ['', 'tea', 'ftp://here/', 'http://here/', 'ws://here/#tea', 'ws://here:99999'];
  for (const url of wrong) {
    assert.throws(() => new Client(url), isError('bad_url', /give one such as ws:\/\//));
  }
  for (const url of [undefined, null, 5, {}, Symbol('url')]) {
    assert.throws(() => new Client(url), isError(TypeError, /^url is a string or a URL, not/));
  }
  new Client(new URL(URL_OF_NOBODY));
});

test('a password in a URL is no part of what an error says', async () => {
  await assert.rejects(new Client('ws://ann:secret@127.0.0.1:9/ws').connect(), (error) => {
    assert.match(error.message, /^ws:\/\/ann:\.\.\.@127\.0\.0\.1:9\/ws: /);
    return error.code === 'unreachable' && !error.message.includes('secret');
  });
});

for (const timeoutMs of [Infinity, 2 ** 31, 1e300]) {
  test(`a call that may take ${timeoutMs} ms waits`, async () => {
    const server = new Server();
    server.on('join', () => sleep(100));
    await server.start();
    const ann = await new Client(server.url, { user: 'ann' }).connect();
    await ann.join('tea', { timeoutMs });
    for (let i = 0; i < 2; ++i) await ann.receive({ timeoutMs });
    const waiting = ann.receive({ timeoutMs });
    await sleep(100);
    server.publish('tea', 'late');
    assert.equal((await waiting).content, 'late');
    await ann.close();
    await server.drain();
  });
}

test('a time that is none is an error of the call', async () => {
  const server = await new Server().start();
  const ann = await new Client(server.url, { user: 'ann' }).connect();
  for (const call of [(options) => ann.join('tea', options), (options) => ann.receive(options)]) {
    for (const timeoutMs of [NaN, -1, -Infinity]) {
      await assert.rejects(call({ timeoutMs }), isError('bad_deadline', /^timeoutMs is .*: give/));
    }
    for (const timeoutMs of ['5', null, {}]) {
      await assert.rejects(call({ timeoutMs }), isError(TypeError, /^timeoutMs is a number/));
    }
    await assert.rejects(call(5000), isError(TypeError, /such as \{ timeoutMs: 1000 \}/));
    await assert.rejects(call(null), isError(TypeError, /^options/));
    await assert.rejects(call({ timeout: 5 }), isError('unknown_option', /give timeoutMs/));
  }
  assert.equal((await ann.receive({ timeoutMs: 10_000 })).type, 'welcome');
  await ann.close();
  await server.drain();
});

test('options are those that were given, whatever becomes of their object', async () => {
  const options = { port: 0, host: '127.0.0.1' };
  const server = new Server(options);
  options.port = 'tea';
  options.host = 'nowhere.invalid';
  options.colour = 'green';
  await server.start();
  assert.equal(server.url, `ws://127.0.0.1:${server.port}/ws`);
  await server.drain();
  const symbol = Symbol('port');
  assert.throws(() => new Server({ port: symbol }), isError('bad_option_value', /Symbol\(port\)/));
});
