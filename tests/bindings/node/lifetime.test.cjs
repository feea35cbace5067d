'use strict';
// What binds a server to its process: exits, workers, garbage, threads, exceptions.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const test = require('node:test');
const { Worker } = require('node:worker_threads');
const { Client, Server } = require('chinwag');

const ROOT = path.resolve(__dirname, '../../..');

/** Runs a program in a process of its own; resolves with its code, output and errors. */
async function run(program, during = () => {}, flags = []) {
  const child = spawn(process.execPath, [...flags, '-e', program], { cwd: ROOT });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8');
    child[name].on('data', (text) => {
      output[name] += text;
      during(child, text);
    });
  }
  const [code, signal] = await once(child, 'close');
  return { code, signal, ...output };
}

const descriptors = () => fs.readdirSync('/proc/self/fd').length;

test('servers that come and go leave nothing behind', { timeout: 120_000 }, async () => {
  const comeAndGo = async (count) => {
    for (let i = 0; i < count; ++i) {
      const server = new Server();
      server.on('message', () => {});
      await server.start();
      await server.drain();
    }
  };
  await comeAndGo(50);
  const before = descriptors();
  const memory = process.memoryUsage().rss;
  await comeAndGo(1_000);
  assert.ok(descriptors() <= before, 'descriptors are left');
  // AddressSanitizer keeps freed blocks in quarantine.
  if (process.env.ASAN_OPTIONS) return;
  assert.ok(process.memoryUsage().rss - memory < 32 * 1024 * 1024, 'memory grew');
});

test('a process whose server is drained ends by itself', async () => {
  const { code, stderr } = await run(
    "const { Server } = require('chinwag'); new Server().start().then((s) => s.drain());",
  );
  assert.deepEqual([code, stderr], [0, '']);
});

test('requiring it, or a server that never started, does not keep the process alive', async () => {
  const { code } = await run("const { Server } = require('chinwag'); new Server();");
  assert.equal(code, 0);
});

test('a running server keeps the process alive, and process.exit ends it cleanly', async () => {
  const { code, stderr } = await run(
    "const { Server } = require('chinwag');" +
      "new Server().start().then(() => setTimeout(() => process.exit(7), 200).unref());" +
      "setTimeout(() => process.exit(8), 5000).unref();",
  );
  assert.deepEqual([code, stderr], [7, '']);
});

test('an exception in a handler without an error listener is uncaught, never a crash', async () => {
  const { code, signal, stderr } = await run(
    "const { Server, Client } = require('chinwag');" +
      "const server = new Server(); server.on('open', () => { throw new Error('boom'); });" +
      "server.start().then(() => new Client(server.url).connect());",
  );
  assert.deepEqual([code, signal], [1, null]);
  assert.match(stderr, /Error: boom/);
});

test('uncaughtException hears of it, and the server goes on', async () => {
  const { code, stdout } = await run(
    "const { Server, Client } = require('chinwag');" +
      "process.on('uncaughtException', (error) => console.log('caught', error.message));" +
      "const server = new Server(); server.on('open', () => { throw new Error('boom'); });" +
      "server.start().then(async () => {" +
      "const ann = await new Client(server.url).connect(); await ann.join('tea');" +
      "await ann.close(); await server.drain(); console.log('served'); });",
  );
  assert.deepEqual([code, stdout], [0, 'caught boom\nserved\n']);
});

test('a log listener that throws makes no other server deaf', async () => {
  const { code, stdout } = await run(
    `const { Server, Client } = require('chinwag');
     process.on('uncaughtException', (error) => console.log(error.message));
     (async () => {
       const noisy = new Server();
       noisy.once('log', () => { throw new Error('no log'); });
       const other = new Server();
       other.on('open', (connection) => console.log(connection.user));
       await noisy.start();
       await other.start();
       const ann = await new Client(other.url, { user: 'ann' }).connect();
       await ann.join('tea');
       await ann.close();
       await other.drain();
       await noisy.drain();
     })();`,
  );
  assert.deepEqual([code, stdout.split('\n').sort()], [0, ['', 'ann', 'no log']]);
});

test('it works in a worker, whose end stops its servers', async () => {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const { Server } = require('chinwag');
     const server = new Server();
     server.on('message', (message) => { message.content += '!'; });
     server.start().then(() => parentPort.postMessage(server.url));`,
    { eval: true },
  );
  const [url] = await once(worker, 'message');
  const ann = await new Client(url, { user: 'ann', reconnect: false }).connect();
  await ann.join('tea');
  await ann.send('tea', 'hello');
  let message;
  do message = await ann.receive();
  while (message.type !== 'message');
  assert.equal(message.content, 'hello!');
  await worker.terminate();
  for (; message !== null; message = await ann.receive());
});

test('workers that end in mid-traffic take nobody with them', { timeout: 60_000 }, async () => {
  for (let i = 0; i < 5; ++i) {
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       const { Server } = require('chinwag');
       const server = new Server();
       server.on('message', async () => {});
       server.start().then(() => parentPort.postMessage(server.url));`,
      { eval: true },
    );
    const [url] = await once(worker, 'message');
    const ann = await new Client(url, { user: 'ann', reconnect: false }).connect();
    await ann.join('tea');
    const flood = (async () => {
      for (;;) await ann.send('tea', 'x'.repeat(100));
    })().catch(() => {});
    await worker.terminate();
    await flood;
  }
});

test('requests outlive their server and the collector', async () => {
  const { code, stdout, stderr } = await run(
    `const { Server, Client } = require('chinwag');
     const kept = [];
     (async () => {
       let server = new Server();
       server.on('message', (message) => kept.push(message));
       await server.start();
       const ann = await new Client(server.url, { user: 'ann' }).connect();
       await ann.join('tea');
       for (let i = 0; i < 200; ++i) { await ann.send('tea', String(i)); if (i % 20 === 0) gc(); }
       while (kept.length < 200) await new Promise((go) => setTimeout(go, 5));
       await ann.close(); await server.drain(); server = undefined; gc();
       try { kept[0].connection.close(); } catch (error) { console.log(error.code); }
       console.log(kept.every((one, i) => one.content === String(i)));
     })();`,
    undefined,
    ['--expose-gc'],
  );
  assert.deepEqual([code, stdout, stderr], [0, 'not_running\ntrue\n', '']);
});
