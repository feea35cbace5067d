'use strict';
// `require('chinwag')`: a server inside this process, spoken to over a real socket.

const assert = require('node:assert/strict');
const http = require('node:http');
const test = require('node:test');
const { Server, version } = require('chinwag');

const health = (port) =>
  new Promise((resolve, reject) => {
    http
      .get({ port, path: '/health', agent: false }, (answer) => {
        answer.setEncoding('utf8');
        answer.on('data', (text) => resolve(JSON.parse(text)));
      })
      .on('error', reject);
  });

test('a server in the process answers', async () => {
  const server = new Server();
  const answer = await health(server.port);
  assert.equal(answer.status, 'ok');
  assert.equal(answer.pid, process.pid);
  assert.equal(answer.version, version);
  assert.equal(server.stats().connections >= 0, true);
  await server.drain();
});

test('draining ends it, and draining again is harmless', async () => {
  const server = new Server();
  await Promise.all([server.drain(1000), server.drain()]);
  await assert.rejects(health(server.port), { code: 'ECONNREFUSED' });
});

test('a wrong option is an error with a code', () => {
  assert.throws(() => new Server({ idle_timeout: 5 }), { code: 'unknown_option' });
  assert.throws(() => new Server({ port: 'tea' }), { code: 'bad_option_value' });
});

test('a port in use is an error with a code', async () => {
  const server = new Server();
  assert.throws(() => new Server({ port: server.port }), { code: 'port_in_use' });
  await server.drain();
});

test('the package is importable as a module', async () => {
  const imported = await import('chinwag');
  assert.equal(imported.Server, Server);
});
