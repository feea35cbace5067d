// What a batch writes, and when, on a real TCP connection.

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer, connect } from 'node:net';
import { test } from 'node:test';

import { Batch } from '../batch.js';

const TEXT_FIN = 0x81;

/** Both ends of a connection: what the first writes, the second reads. */
async function pair(context) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const reader = connect(server.address().port, '127.0.0.1');
  const [writer] = await once(server, 'connection');
  context.after(() => {
    reader.destroy();
    writer.destroy();
    server.close();
  });
  return { reader, writer };
}

async function read(reader, byteCount) {
  let bytes = Buffer.alloc(0);
  while (bytes.length < byteCount) {
    const [chunk] = await once(reader, 'data');
    bytes = Buffer.concat([bytes, chunk]);
  }
  return bytes;
}

const frameOf = (text) => Buffer.concat([Buffer.from([TEXT_FIN, text.length]), Buffer.from(text)]);
const framesOf = (texts) => Buffer.concat(texts.map(frameOf));

test('messages of one turn are written together, in order, after the turn', async (context) => {
  const { reader, writer } = await pair(context);
  const batch = new Batch(setImmediate);
  const texts = ['one', 'two', 'three'];
  for (const text of texts) batch.write(writer, Buffer.from(text));
  assert.equal(writer.writableCorked, 1);
  const expected = framesOf(texts);
  assert.equal(writer.writableLength, expected.length);
  assert.deepEqual(await read(reader, expected.length), expected);
  assert.equal(writer.writableCorked, 0);
});

test('a message to several connections is one frame, and each receives it', async (context) => {
  const pairs = [await pair(context), await pair(context)];
  const batch = new Batch(setImmediate);
  const [first, second] = [Buffer.from('first'), Buffer.from('second')];
  for (const message of [first, second, first]) {
    for (const { writer } of pairs) batch.write(writer, message);
  }
  const expected = framesOf(['first', 'second', 'first']);
  for (const { reader } of pairs) assert.deepEqual(await read(reader, expected.length), expected);
});

test('what is written to the socket itself keeps its place', async (context) => {
  const { reader, writer } = await pair(context);
  const batch = new Batch(setImmediate);
  batch.write(writer, Buffer.from('before'));
  writer.write('itself');
  batch.write(writer, Buffer.from('after'));
  writer.end();
  const expected = Buffer.concat([frameOf('before'), Buffer.from('itself'), frameOf('after')]);
  assert.deepEqual(await read(reader, expected.length), expected);
});

test('a long batch is written within the turn: who reads is not slow', async (context) => {
  const { reader, writer } = await pair(context);
  const batch = new Batch(setImmediate);
  reader.resume();
  const message = Buffer.alloc(65_536, 'x');
  batch.write(writer, message);
  assert.equal(writer.writableCorked, 0);
  batch.write(writer, Buffer.from('short'));
  assert.equal(writer.writableCorked, 1);
  await once(writer, 'drain');
});

test('what comes after a batch was written is the next one', async (context) => {
  const { reader, writer } = await pair(context);
  const batch = new Batch(setImmediate);
  for (const text of ['one', 'two']) {
    batch.write(writer, Buffer.from(text));
    assert.deepEqual(await read(reader, frameOf(text).length), frameOf(text));
  }
});
