'use strict';
// What the examples answer to input that is no good. What they do otherwise is tested for both
// languages in tests/bindings/python/test_examples.py.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const http = require('node:http');
const path = require('node:path');
const readline = require('node:readline');
const test = require('node:test');

const EXAMPLES = path.resolve(__dirname, '../../../examples/node');

/** Status and body of a POST. */
const post = (url) =>
  new Promise((resolve, reject) => {
    const asked = http.request(url, { method: 'POST', agent: false }, async (answer) => {
      let text = '';
      for await (const piece of answer) text += piece;
      resolve([answer.statusCode, JSON.parse(text)]);
    });
    asked.on('error', reject);
    asked.end();
  });

test('the Express app says what is wrong with an announcement', async (context) => {
  const app = spawn(process.execPath, [path.join(EXAMPLES, 'express_app.mjs'), '0', '0']);
  context.after(() => app.kill('SIGKILL'));
  app.stderr.resume();
  const [line] = await once(readline.createInterface(app.stdout), 'line');
  const [web] = line.split(' ');
  assert.deepEqual(await post(`${web}/rooms/tea/announce?text=dinner`), [200, { sent_to: 'tea' }]);
  const wrong = {
    '/rooms/tea/announce': /text=/,
    '/rooms/tea/announce?text=a&text=b': /text=/,
    [`/rooms/${'r'.repeat(65)}/announce?text=x`]: /1 to 64 bytes/,
    '/rooms/%00/announce?text=x': /control characters/,
  };
  for (const [target, what] of Object.entries(wrong)) {
    const [status, { error }] = await post(web + target);
    assert.equal(status, 400, target);
    assert.match(error, what);
  }
  app.kill('SIGTERM');
  assert.deepEqual(await once(app, 'exit'), [0, null]);
});

test('the bot says how it is used', async () => {
  const bot = spawn(process.execPath, [path.join(EXAMPLES, 'bot.mjs')]);
  let errors = '';
  bot.stderr.setEncoding('utf8');
  bot.stderr.on('data', (text) => (errors += text));
  assert.deepEqual(await once(bot, 'close'), [2, null]);
  assert.match(errors, /^usage: bot\.mjs URL ROOM[^\n]*\n$/);
});
