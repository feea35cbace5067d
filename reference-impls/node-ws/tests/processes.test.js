// Signals to real processes, and the death of a worker.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { WebSocket } from 'ws';

import { freePort } from './ports.js';

const HOST = '127.0.0.1';
const STARTS_WITHIN_MS = 10_000;
const ENDS_WITHIN_MS = 5000;
const CLIENTS = 10;
const REQUEST = 'GET /health HTTP/1.0\r\nHost: h\r\n\r\n';

async function healthOf(port) {
  const response = await fetch(`http://${HOST}:${port}/health`).catch(() => null);
  return response?.ok ? response.json() : null;
}

/** A server in a process group of its own, once it serves; `flags` are for `node`. */
async function start(context, file, flags = []) {
  const port = await freePort();
  const env = { ...process.env, CHAT_PORT: String(port), CHAT_WORKERS: '2' };
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const options = { env, detached: true, stdio: 'inherit' };
  const server = spawn(process.execPath, [...flags, path], options);
  context.after(() => server.exitCode ?? process.kill(-server.pid, 'SIGKILL'));
  const deadline = performance.now() + STARTS_WITHIN_MS;
  for (;;) {
    const health = await healthOf(port);
    if (health !== null) return { server, port, workers: health.workers };
    assert.ok(performance.now() < deadline, `${file} does not serve`);
    await sleep(50);
  }
}

async function client(port) {
  const webSocket = new WebSocket(`ws://${HOST}:${port}/ws`);
  await once(webSocket, 'open');
  return webSocket;
}

for (const file of ['server.js', 'workers.js']) {
  test(`${file}: a second SIGTERM to the whole group changes nothing`, async (context) => {
    const { server, port } = await start(context, file);
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => client(port)));
    const closes = clients.map((each) => once(each, 'close'));
    const exit = once(server, 'exit');
    process.kill(-server.pid, 'SIGTERM');
    process.kill(-server.pid, 'SIGTERM');
    const codes = (await Promise.all(closes)).map(([code]) => code);
    assert.deepEqual(codes, Array(CLIENTS).fill(1012));
    assert.deepEqual(await exit, [0, null]);
  });
}

const limits = { timeout: STARTS_WITHIN_MS + ENDS_WITHIN_MS };

test('a socket on its way to a worker that dies ends', limits, async (context) => {
  const { port, workers } = await start(context, 'workers.js');
  process.kill(workers[0], 'SIGSTOP');
  const ends = Array.from({ length: CLIENTS }, () => {
    const socket = connect(port, HOST, () => socket.write(REQUEST));
    context.after(() => socket.destroy());
    socket.on('error', () => {}).resume();
    return new Promise((resolve) => socket.once('close', resolve));
  });
  await sleep(200); // until the sockets are handed out
  process.kill(workers[0], 'SIGKILL');
  await Promise.all(ends);
});

test('the primary survives a worker that dies while it is told something', async (context) => {
  const preload = fileURLToPath(new URL('kill_while_told.js', import.meta.url));
  const { port, workers } = await start(context, 'workers.js', ['--import', preload]);
  await client(port); // as soon as one worker asks for it to be connected, the other one dies
  const deadline = performance.now() + STARTS_WITHIN_MS;
  for (;;) {
    const health = await healthOf(port);
    if (health !== null && !workers.every((pid) => health.workers.includes(pid))) break;
    assert.ok(performance.now() < deadline, 'no worker is replaced');
    await sleep(50);
  }
});
