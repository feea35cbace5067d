// Rooms, members and turns together; the end of a turn comes when a test says so.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { logged } from '../logged_connection.js';
import { CONTROL, member, messagesIn } from './members.js';
import { randomFrom } from './random.js';

const CONTENT = 'x'.repeat(4000);
const PENDING_BYTES_MAX = 1024 * 1024;

/** Parts of a listener, and what ends its turns. */
function turns() {
  let due = null;
  const parts = logged((end) => (due = end));
  const endTurn = () => {
    const end = due;
    due = null;
    end?.();
  };
  return { ...parts, endTurn, isDue: () => due !== null };
}

/** Members of one room; nothing waits for them any more. */
function inRoom(server, count) {
  const members = Array.from({ length: count }, (_, number) => member(server, `user ${number}`));
  for (const { connection } of members) server.chat.join(connection, { room: 'tea' });
  server.endTurn();
  for (const { socket } of members) socket.writes.length = 0;
  return members;
}

/** Short names for what a connection was told. */
const told = ({ socket }) =>
  messagesIn(socket.bytes).map((message) => message.content ?? message.type ?? message);

function say(server, { connection }, ...contents) {
  for (const content of contents) server.chat.message(connection, { room: 'tea', content });
}

test('messages of one turn are one write to each member, after the turn', () => {
  const server = turns();
  const members = inRoom(server, 3);
  say(server, members[0], 'one', 'two');
  say(server, members[1], 'three');
  for (const { socket } of members) assert.equal(socket.writes.length, 0);
  server.endTurn();
  for (const each of members) {
    assert.deepEqual(told(each), ['one', 'two', 'three']);
    assert.equal(each.socket.writes.length, 1);
  }
  assert.ok(!server.isDue());
});

test('what is for one alone has its place among what is for all, in the same write', () => {
  const server = turns();
  const [one, other] = inRoom(server, 2);
  say(server, one, 'before');
  server.chat.direct(one.connection, { to: other.connection.user, content: 'direct' });
  say(server, one, 'after');
  server.endTurn();
  assert.deepEqual(told(other), ['before', 'direct', 'after']);
  assert.equal(other.socket.writes.length, 1);
  assert.deepEqual(told(one), ['before', 'after']);
});

test('several rooms are one write, in the order in which they had something to say', () => {
  const server = turns();
  const [one, other] = inRoom(server, 2);
  for (const { connection } of [one, other]) server.chat.join(connection, { room: 'coffee' });
  server.endTurn();
  other.socket.writes.length = 0;
  const say = (room, content) => server.chat.message(one.connection, { room, content });
  say('coffee', 'coffee 1');
  say('tea', 'tea 1');
  say('coffee', 'coffee 2');
  server.endTurn();
  assert.deepEqual(told(other), ['coffee 1', 'coffee 2', 'tea 1']);
  assert.equal(other.socket.writes.length, 1);
});

test('who joins or leaves within a turn gets what was said while it was there', () => {
  const server = turns();
  const [one, leaver] = inRoom(server, 2);
  const joiner = member(server, 'joiner');
  say(server, one, 'first');
  server.chat.join(joiner.connection, { room: 'tea' });
  say(server, one, 'second');
  server.chat.leave(leaver.connection, { room: 'tea' });
  say(server, one, 'third');
  server.chat.heartbeat(leaver.connection);
  server.endTurn();
  assert.deepEqual(told(joiner), ['welcome', 'user_joined', 'second', 'user_left', 'third']);
  assert.deepEqual(told(leaver), ['first', 'user_joined', 'second', 'heartbeat']);
});

test('a pong and a close come behind what was said before, and a close waits for no turn', () => {
  const server = turns();
  const [one, other] = inRoom(server, 2);
  say(server, one, 'before');
  other.webSocket.emit('ping', '');
  say(server, one, 'between');
  other.connection.close(1003, 'Malformed message');
  say(server, one, 'after');
  const whole = ['before', CONTROL, 'between', CONTROL];
  assert.deepEqual(told(other), whole);
  server.endTurn();
  assert.deepEqual(told(other), whole);
  assert.deepEqual(told(one), ['before', 'between', 'user_left', 'after']);
});

test('much of a room is written within the turn: who reads is not slow', () => {
  const server = turns();
  const [one, other] = inRoom(server, 2);
  for (let number = 0; number < 300; number++) say(server, one, CONTENT);
  assert.ok(told(other).length > 250);
  assert.ok(other.socket.writes.length < 20, `${other.socket.writes.length} writes`);
  server.endTurn();
  for (const each of [one, other]) assert.equal(told(each).length, 300);
});

test('much for one alone is written within the turn: who reads is not slow', () => {
  const server = turns();
  const [one, other] = inRoom(server, 2);
  for (let number = 0; number < 300; number++) {
    server.chat.direct(other.connection, { to: one.connection.user, content: CONTENT });
  }
  assert.ok(told(one).length > 250);
  assert.ok(one.socket.writes.length < 30, `${one.socket.writes.length} writes`);
  server.endTurn();
  assert.equal(told(one).length, 300);
});

test('who is gone is written nothing more', () => {
  const server = turns();
  const [one, gone] = inRoom(server, 2);
  say(server, one, 'waits');
  gone.webSocket.readyState = 3;
  gone.webSocket.emit('close');
  server.endTurn();
  assert.deepEqual(told(gone), []);
  assert.deepEqual(told(one), ['waits', 'user_left']);
});

test('a member for which more than 1 MiB waits is let go without a gap; others hear of it', () => {
  const server = turns();
  const [one, other, slow] = inRoom(server, 3);
  slow.socket.stall();
  let sent = 0;
  while (slow.webSocket.readyState === slow.webSocket.OPEN) {
    assert.ok(slow.socket.writableLength <= PENDING_BYTES_MAX);
    for (let number = 0; number < 10; number++) say(server, one, `${sent++} ${CONTENT}`);
    server.endTurn();
  }
  server.endTurn();
  assert.equal(slow.webSocket.code, 1013);
  assert.equal(told(other).at(-1), 'user_left');
  assert.equal(told(other).length, sent + 1);
  slow.socket.resumeWrites();
  const numbers = told(slow).map((content) => content.split(' ')[0]);
  assert.equal(numbers.pop(), CONTROL);
  assert.deepEqual(numbers, numbers.map((_, at) => String(at)));
});

// Random sessions, compared with a list of what each connection is to be told.

const SEEDS = 40;
const STEPS = 600;
const USERS = 6;
const ROOMS = 3;

class Oracle {
  due = Array.from({ length: USERS }, () => []);
  members = Array.from({ length: ROOMS }, () => new Set());

  tellRoom(room, text) {
    for (const user of this.members[room]) this.due[user].push({ room: `room ${room}`, text });
  }

  tellUser(user, text) {
    this.due[user].push({ text });
  }
}

const textOf = ({ type, content, code, user }) => `${type} ${content ?? code ?? user ?? ''}`;

/** What was told, with rooms where a message has one. */
const heard = ({ socket }) =>
  messagesIn(socket.bytes).map((message) => ({ room: message.room, text: textOf(message) }));

/**
 * Between two things for the connection alone, what its rooms had for it: room by room in order.
 * Between rooms none is promised.
 */
function byRoom(messages) {
  const spans = [new Map()];
  for (const { room = '', text } of messages) {
    if (room === '') spans.push(text, new Map());
    else spans.at(-1).set(room, [...(spans.at(-1).get(room) ?? []), text]);
  }
  return spans;
}

const ACTIONS = {
  join({ chat, oracle, users }, user, random) {
    const room = random(ROOMS);
    const text = `user_joined user ${user}`;
    if (oracle.members[room].has(user)) {
      oracle.due[user].push({ room: `room ${room}`, text });
    } else {
      oracle.members[room].add(user);
      oracle.tellRoom(room, text);
    }
    chat.join(users[user].connection, { room: `room ${room}` });
  },
  leave({ chat, oracle, users }, user, random) {
    const room = random(ROOMS);
    if (oracle.members[room].delete(user)) oracle.tellRoom(room, `user_left user ${user}`);
    else oracle.tellUser(user, 'error not_joined');
    chat.leave(users[user].connection, { room: `room ${room}` });
  },
  message({ chat, oracle, users }, user, random) {
    const room = random(ROOMS);
    const content = `${random(1000)}${CONTENT.slice(random(4000))}`;
    if (oracle.members[room].has(user)) oracle.tellRoom(room, `message ${content}`);
    else oracle.tellUser(user, 'error not_joined');
    chat.message(users[user].connection, { room: `room ${room}`, content });
  },
  direct({ chat, oracle, users }, user, random) {
    const to = random(USERS);
    const content = String(random(1000));
    oracle.tellUser(to, `direct ${content}`);
    chat.direct(users[user].connection, { to: `user ${to}`, content });
  },
  stall({ users }, user) {
    users[user].socket.stall();
  },
  resume({ users }, user) {
    users[user].socket.resumeWrites();
  },
  endTurn({ endTurn }) {
    endTurn();
  },
};
const LIKELY = [...Object.keys(ACTIONS), 'message', 'message', 'message', 'direct', 'resume'];

for (let seed = 0; seed < SEEDS; seed++) {
  test(`a random session tells everyone what is due: seed ${seed}`, () => {
    const random = randomFrom(seed);
    const server = turns();
    const users = Array.from({ length: USERS }, (_, user) => member(server, `user ${user}`));
    const session = { ...server, users, oracle: new Oracle() };
    users.forEach((_, user) => session.oracle.tellUser(user, `welcome user ${user}`));
    for (let step = 0; step < STEPS; step++) {
      ACTIONS[LIKELY[random(LIKELY.length)]](session, random(USERS), random);
    }
    users.forEach(({ socket }) => socket.resumeWrites());
    server.endTurn();
    users.forEach((each, user) => {
      assert.deepEqual(byRoom(heard(each)), byRoom(session.oracle.due[user]));
    });
  });
}

test('who joins and leaves and reads nothing is closed', () => {
  const server = turns();
  const one = member(server, 'one');
  one.socket.stall();
  for (let pairs = 0; pairs < 20_000 && one.connection.isOpen; pairs++) {
    server.chat.join(one.connection, { room: 'tea' });
    server.chat.leave(one.connection, { room: 'tea' });
    server.endTurn();
  }
  assert.ok(!one.connection.isOpen);
  assert.ok(one.socket.writableLength < 2 * PENDING_BYTES_MAX);
});

test('what a connection has to get of a room that it left keeps no chunk of it', () => {
  const server = turns();
  const [one, other] = inRoom(server, 2);
  const parts = [];
  one.socket.write = (part) => parts.push(part);
  say(server, other, 'bye');
  server.chat.leave(one.connection, { room: 'tea' });
  const chunkBytes = 4 * 1024;
  assert.ok(parts.some((part) => part.includes('bye')));
  assert.ok(parts.every(({ buffer }) => buffer.byteLength !== chunkBytes));
});

test('a direct message to one who is closed for it was told', () => {
  const server = turns();
  const [one, other] = inRoom(server, 2);
  other.socket.stall();
  let told = true;
  for (let count = 0; count < 2_000 && other.connection.isOpen; count++) {
    told = server.chat.tellUser(other.connection.user, `"${CONTENT}"`);
  }
  assert.ok(!other.connection.isOpen);
  assert.ok(told);
  assert.ok(one.connection.isOpen);
});
