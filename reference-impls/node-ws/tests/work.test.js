// The same vectors are in reference-impls/elixir/test/work_test.exs: both compute the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Chat } from '../chat.js';
import { readSettings } from '../settings.js';
import { lastHash, work } from '../work.js';

const VECTORS = [
  ['', 1, 0x811c9dc5],
  ['a', 1, 0xe40c292c],
  ['foobar', 1, 0xbf9cf968],
  ['', 5, 0x811c9dc5],
  ['chinwag', 3, 3299556920],
  ['grüße', 2, 833950483],
];

for (const [text, rounds, hash] of VECTORS) {
  test(`FNV-1a of ${JSON.stringify(text)} in ${rounds} rounds`, () => {
    work(text, rounds);
    assert.equal(lastHash, hash);
  });
}

/** What a chat computes for the content `a`, if anything. */
function computed(rounds) {
  work('', 1);
  const chat = new Chat(rounds);
  const connection = { user: 'ann', rooms: new Set(), send() {} };
  chat.join(connection, { room: 'tea' });
  chat.message(connection, { room: 'tea', content: 'a' });
  return lastHash;
}

test('a room message is computed on where that is asked for', () => {
  assert.equal(computed(1), 0xe40c292c);
  assert.equal(computed(0), 0x811c9dc5);
});

test('CHAT_WORK is 0 without the setting, and a whole number', () => {
  assert.equal(readSettings({}).work, 0);
  assert.equal(readSettings({ CHAT_WORK: '90' }).work, 90);
  for (const wrong of ['-1', '1e3', 'x', '1000001']) {
    assert.throws(() => readSettings({ CHAT_WORK: wrong }), /CHAT_WORK/);
  }
});
