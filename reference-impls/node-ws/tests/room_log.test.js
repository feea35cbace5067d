import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';

import { CHUNK_BYTES_MAX, RoomLog } from '../room_log.js';
import { randomFrom } from './random.js';

const SEEDS = 20;
const STEPS = 400;
const FRAME_BYTES_MAX = 20_000;
const READERS = 5;

const bytes = (text) => Buffer.from(text);
const after = (log, position) => Buffer.concat(log.after(position));

test('what lies behind a position is all that was appended since, in order', () => {
  const log = new RoomLog();
  log.append([bytes('a'), bytes('bc')]);
  const position = log.end;
  log.append([bytes('def')]);
  assert.deepEqual(after(log, 0), bytes('abcdef'));
  assert.deepEqual(after(log, position), bytes('def'));
  assert.deepEqual(log.after(log.end), []);
});

test('members who are equally far share the same bytes', () => {
  const log = new RoomLog();
  log.append([bytes('abc')]);
  assert.equal(log.after(0), log.after(0));
});

test('what somebody still holds stays as it is, whatever comes later', () => {
  const log = new RoomLog();
  log.append([bytes('held')]);
  const [held] = log.after(0);
  for (let turn = 0; turn < 100; turn++) {
    log.trim();
    log.append([Buffer.alloc(1000, 'x')]);
  }
  assert.deepEqual(held, bytes('held'));
});

test('a frame longer than any chunk is one part', () => {
  const log = new RoomLog();
  const long = Buffer.alloc(3 * CHUNK_BYTES_MAX, 'x');
  log.append([long]);
  assert.deepEqual(log.after(0), [long]);
});

test('a turn of many frames is few parts, however small the room was before', () => {
  const log = new RoomLog();
  for (let number = 0; number < 1000; number++) log.append([Buffer.alloc(100, 'x')]);
  assert.ok(log.after(0).length <= 6, `${log.after(0).length} parts`);
});

test('once trimmed, a log that was busy holds no large chunk', () => {
  const log = new RoomLog();
  log.append([Buffer.alloc(CHUNK_BYTES_MAX, 'x')]);
  log.trim();
  log.append([bytes('few')]);
  const { byteLength } = log.after(log.end - 3)[0].buffer;
  assert.ok(byteLength < CHUNK_BYTES_MAX, `${byteLength} bytes are held`);
});

/** Readers take what is new now and then, and the log is trimmed once all of them have it. */
function session(seed) {
  const random = randomFrom(seed);
  const log = new RoomLog();
  const positions = Array(READERS).fill(0);
  const got = positions.map(() => []);
  const said = [];
  const take = (reader) => {
    got[reader].push(...log.after(positions[reader]));
    positions[reader] = log.end;
  };
  for (let step = 0; step < STEPS; step++) {
    const choice = random(8);
    if (choice === 0) {
      positions.forEach((_, reader) => take(reader));
      log.trim();
    } else if (choice < 4) {
      take(random(READERS));
    } else {
      const header = Buffer.alloc(1 + random(4), step);
      const payload = Buffer.alloc(random(FRAME_BYTES_MAX >> random(12)), step + 1);
      said.push(header, payload);
      log.append([header, payload]);
    }
  }
  positions.forEach((_, reader) => take(reader));
  return { said: Buffer.concat(said), got: got.map((parts) => Buffer.concat(parts)) };
}

for (let seed = 0; seed < SEEDS; seed++) {
  test(`every reader gets every byte once and in order: seed ${seed}`, () => {
    const { said, got } = session(seed);
    for (const each of got) assert.ok(each.equals(said));
  });
}
