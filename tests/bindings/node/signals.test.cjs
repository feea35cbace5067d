'use strict';
// A program that serves ends by a signal with 0, however early the signal comes.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const test = require('node:test');
const { Server } = require('chinwag');

const ROOT = path.resolve(__dirname, '../../..');
const AT_START = path.join(__dirname, 'signal_at_start.cjs');

const programs = {
  'the hosted server': ['bindings/hosted/node/server.cjs'],
  'the chat server': ['examples/node/chat_server.mjs', '0'],
  'the filter': ['examples/node/moderation.mjs', '0'],
  'the Express app': ['examples/node/express_app.mjs', '0', '0'],
};

for (const [what, command] of Object.entries(programs)) {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`${what} drains at a ${signal} that comes as it binds its port`, async () => {
      const child = spawn(process.execPath, ['--require', AT_START, ...command], {
        cwd: ROOT,
        env: { ...process.env, CHAT_PORT: '0', SIGNAL_AT_START: signal },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      assert.deepEqual(await once(child, 'exit'), [0, null]);
    });
  }
}

test('a drain right behind a start that nobody has waited for ends the server', async () => {
  const server = new Server();
  const started = server.start();
  await server.drain();
  assert.equal(await started, server);
  assert.throws(() => server.publish('tea', 'late'), { code: 'not_running' });
});
