// Contents that go out as they came say what JSON.parse and JSON.stringify would make of them.

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';

import { logged } from '../logged_connection.js';
import { PlainRequests, isPlain } from '../plain_requests.js';
import { Turn } from '../turn.js';
import { member, messagesIn } from './members.js';
import { randomFrom } from './random.js';

const PIECES = [
  'a',
  '~ }{[]:,/',
  '\u007f',
  'é',
  'ÿ',
  '\u0080',
  '\u2028\u2029',
  '漢字',
  '\uffff',
  '😀',
  '\ufeff',
  'plain text of several words ',
];
const CAREFUL = ['"', '\\', '\u0000', '\n', '\u001f', '\t'];

const request = (room, content) => Buffer.from(JSON.stringify({ type: 'message', room, content }));
const escaped = (text) => JSON.stringify(text).slice(1, -1);

/** The same bytes, at a chosen place of an array that may end within a word. */
function placed(bytes, offset, after) {
  const array = new ArrayBuffer(offset + bytes.length + after);
  new Uint8Array(array).fill(0x22); // what is not looked at must not matter
  const view = Buffer.from(array, offset, bytes.length);
  view.set(bytes);
  return view;
}

/** One that has read a first request. */
function learned(first, user = 'user') {
  const requests = new PlainRequests(user);
  requests.learn(first, JSON.parse(first));
  return requests;
}

test('each byte at each place: plain where JSON.stringify leaves it as it is', () => {
  for (let byte = 0; byte < 0x80; byte++) {
    for (let length = 1; length < 13; length++) {
      for (let at = 0; at < length; at++) {
        const text = 'x'.repeat(at) + String.fromCharCode(byte) + 'x'.repeat(length - at - 1);
        const bytes = placed(Buffer.from(text), (byte + at) % 8, length % 4);
        assert.equal(isPlain(bytes, 0, length), escaped(text) === text, JSON.stringify(text));
      }
    }
  }
});

test('only bytes from the first to the last are looked at', () => {
  for (let from = 0; from < 9; from++) {
    for (let length = 0; length < 9; length++) {
      const text = `${'"'.repeat(from)}${'é~'.repeat(length)}""\\`;
      const bytes = placed(Buffer.from(text), from % 8, 3);
      const to = bytes.length - 3;
      assert.ok(isPlain(bytes, from, to));
      assert.ok(!isPlain(bytes, from, to + 1));
      if (from > 0) assert.ok(!isPlain(bytes, from - 1, to));
    }
  }
});

for (let seed = 0; seed < 20; seed++) {
  test(`random contents are told as they are: seed ${seed}`, () => {
    const random = randomFrom(seed);
    const user = '"é\\😀';
    const requests = learned(request('tea "é"', 'first'), user);
    for (let round = 0; round < 300; round++) {
      const pieces = round % 2 === 0 ? PIECES : [...PIECES, ...PIECES, ...CAREFUL];
      const length = random(40);
      const content = Array.from({ length }, () => pieces[random(pieces.length)]).join('');
      const data = placed(request('tea "é"', content), random(8), random(8));
      const plain = requests.find(data);
      assert.equal(plain !== null, escaped(content) === content, JSON.stringify(content));
      if (plain === null) continue;
      const text = plain.encode(data).toString();
      const { timestamp, ...told } = JSON.parse(text);
      assert.deepEqual(told, { type: 'message', room: 'tea "é"', user, content });
      assert.ok(Math.abs(timestamp - Date.now()) < 60_000); // milliseconds, not seconds
      assert.ok(text.startsWith('{"type":"message"'));
      assert.ok(text.endsWith(`"content":${JSON.stringify(content)}}`));
    }
  });
}

test('a direct message tells who it is from', () => {
  const ask = (content) => Buffer.from(JSON.stringify({ type: 'direct', to: 'other', content }));
  const requests = learned(ask('first'));
  const data = ask('second');
  const { timestamp, ...told } = JSON.parse(requests.find(data).encode(data));
  assert.deepEqual(told, { type: 'direct', user: 'user', content: 'second' });
  assert.ok(Number.isInteger(timestamp));
});

test('what begins or ends otherwise is for JSON.parse', () => {
  const requests = learned(request('tea', 'first'));
  assert.notEqual(requests.find(request('tea', '')), null);
  for (const text of [
    '',
    '{',
    '{"type":"message","room":"tea","content":"',
    '{"type":"message","room":"tea","content":"}',
    '{"type":"message","room":"tea","content":"x',
    '{"type":"message","room":"tea","content":"x"',
    '{"type":"message","room":"tea","content":"x"} ',
    '{"type":"message","room":"tea","content":"x"}}',
    '{"type":"message","room":"tea","content":"x","content":"y"}',
    '{"type":"message","room":"tea","content":"x","more":"y"}',
    '{"type":"message","room":"tea","content":"x","room":"coffee"}',
    '{"type":"message","room":"tea","content":"x\\"}',
    '{"type":"message","room":"tea","content":1}',
    '{"type":"message","room":"tea", "content":"x"}',
    '{"type":"message","room":"te","content":"x"}',
    '{"type":"message","room":"tea ","content":"x"}',
    '{"type":"message","content":"x","room":"tea"}',
    '{"room":"tea","type":"message","content":"x"}',
    ' {"type":"message","room":"tea","content":"x"}',
    '{"type":"direct","to":"tea","content":"x"}',
  ]) {
    assert.equal(requests.find(Buffer.from(text)), null, text);
  }
});

test('only what is sound, with the content last, is learned', () => {
  for (const text of [
    'null',
    '7',
    '[]',
    '{"type":"message","room":"","content":"x"}',
    '{"type":"message","room":7,"content":"x"}',
    '{"type":"message","room":"a\\u0000","content":"x"}',
    '{"type":"message","room":"tea","content":7}',
    '{"type":"message","room":"tea","content":""}',
    '{"type":"message","content":"x","room":"tea"}',
    '{"type":"message","content":"tea","room":"tea"}',
    '{"type":"message","room":"tea","content":"x","more":"x"}',
    '{"type":"message","room":"tea","content":"x","more":{"content":"x"}}',
    '{"type":"message","room":"tea","content":"x","more":["x"]}',
    '{"type":"message","room":"tea","content":"x"} ',
    '{"type":"message","room":"tea","content":"\\"x"}',
    `{"more":"${'x'.repeat(512)}","type":"message","room":"tea","content":"x"}`,
    '{"type":"join","room":"tea","content":"x"}',
    '{"type":"direct","to":"","content":"x"}',
  ]) {
    const data = Buffer.from(text);
    const requests = learned(data);
    assert.equal(requests.find(data), null, text);
    assert.equal(requests.find(request('tea', 'x')), null, text);
  }
});

test('each spelling with the content last is learned, and says what JSON.parse reads', () => {
  for (const head of [
    '{"type": "message", "room": "tea", "content": "',
    ' { "room":"tea","type":"message",\n"content":"',
    '{"type":"message","room":"\\u0074ea","\\u0063ontent":"',
    '{"type":"message","room":"coffee","room":"tea","content":"y","content":"',
    '{"more":{"content":"x","}":["\\"}"]},"type":"message","room":"tea","content":"',
    '{"__proto__":{"room":"coffee"},"type":"message","room":"tea","content":"',
  ]) {
    const requests = learned(Buffer.from(`${head}x"}`));
    for (const content of ['x', '', 'other é', 'content']) {
      const data = Buffer.from(`${head}${content}"}`);
      const plain = requests.find(data);
      const { type, room } = JSON.parse(data);
      const { timestamp, ...told } = JSON.parse(plain.encode(data));
      assert.deepEqual(plain.place, { room });
      assert.deepEqual(told, { type, room, user: 'user', content });
      assert.ok(Number.isInteger(timestamp));
    }
    assert.equal(requests.find(Buffer.from(`${head}x\\"}`)), null);
    assert.equal(requests.find(Buffer.from(`${head}x","content":"y"}`)), null);
  }
});

test('who never asks twice alike is soon learned from no more, and again once it does', () => {
  const requests = new PlainRequests('user');
  const ask = (room) => {
    const data = request(room, 'x');
    const isKnown = requests.find(data) !== null;
    if (!isKnown) requests.learn(data, JSON.parse(data));
    return isKnown;
  };
  for (let number = 0; number < 100; number++) ask(`room ${number}`);
  assert.ok(!ask('room 99'));
  assert.ok(!ask('room 99'));
  assert.ok(ask('room 7'));
  assert.ok(!ask('tea'));
  assert.ok(ask('tea'));
});

test('another room is learned, in the place of the one before', () => {
  const requests = learned(request('tea', 'x'));
  const coffee = request('coffee', 'x');
  assert.equal(requests.find(coffee), null);
  requests.learn(coffee, JSON.parse(coffee));
  assert.deepEqual(requests.find(coffee).place, { room: 'coffee' });
  assert.equal(requests.find(request('tea', 'x')), null);
});

/** Two who sit in one room and hear each other at once. */
function two(settings) {
  const now = (end) => end();
  const server = logged(now, settings, new Turn(now, now));
  const [one, other] = ['one', 'other'].map((user) => member(server, user));
  for (const { connection } of [one, other]) server.chat.join(connection, { room: 'tea' });
  for (const { socket } of [one, other]) socket.writes.length = 0;
  const ask = (fields) => one.webSocket.emit('message', Buffer.from(JSON.stringify(fields)), false);
  return { one, other, ask };
}

const told = ({ socket }) =>
  messagesIn(socket.bytes).map(({ type, content, code }) => [type, content ?? code ?? '']);

for (const work of [0, 1]) {
  test(`requests are served as by JSON.parse, with work ${work}`, () => {
    const { one, other, ask } = two({ work });
    const say = (content) => ask({ type: 'message', room: 'tea', content });
    for (const content of ['first', 'second', 'th"ird', 'föurth']) say(content);
    for (const content of ['direct 1', 'direct 2']) ask({ type: 'direct', to: 'other', content });
    for (const content of ['nobody 1', 'nobody 2']) ask({ type: 'direct', to: 'nobody', content });
    ask({ type: 'leave', room: 'tea' });
    say('not joined');
    ask({ type: 'join', room: 'tea' });
    say('joined');
    const heard = ['first', 'second', 'th"ird', 'föurth'].map((content) => ['message', content]);
    const joined = [
      ['user_joined', ''],
      ['message', 'joined'],
    ];
    assert.deepEqual(told(other), [
      ...heard,
      ['direct', 'direct 1'],
      ['direct', 'direct 2'],
      ['user_left', ''],
      ...joined,
    ]);
    assert.deepEqual(told(one), [
      ...heard,
      ['error', 'no_such_user'],
      ['error', 'no_such_user'],
      ['error', 'not_joined'],
      ...joined,
    ]);
  });
}

test('who sends no JSON behind a usual request is closed with 1003', () => {
  const { one, other, ask } = two();
  for (const content of ['first', 'second']) ask({ type: 'message', room: 'tea', content });
  const text = '{"type":"message","room":"tea","content":"a\nb"}';
  one.webSocket.emit('message', Buffer.from(text), false);
  assert.equal(one.webSocket.code, 1003);
  assert.deepEqual(told(other), [
    ['message', 'first'],
    ['message', 'second'],
    ['user_left', ''],
  ]);
});
