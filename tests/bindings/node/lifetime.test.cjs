'use strict';
// What binds a server to its process: exits, workers, garbage, threads, exceptions.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');
const { after, test } = require('node:test');
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

const UPGRADE =
  'GET /ws?user=eve HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

/** What a process's descriptor leads to; nothing once the process has closed it. */
function linkOf(pid, descriptor) {
  try {
    return fs.readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  }
}

/** The TCP port that a process listens on, once it does. */
async function listeningPort(pid) {
  for (;;) {
    const links = fs.readdirSync(`/proc/${pid}/fd`).map((name) => linkOf(pid, name));
    for (const row of fs.readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
      const [, local, , state, , , , , , inode] = row.trim().split(/\s+/);
      if (state !== '0A' || !links.includes(`socket:[${inode}]`)) continue;
      return parseInt(local.split(':')[1], 16);
    }
    await sleep(20);
  }
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

test('a listener that throws is printed, and the server goes on', async () => {
  const { code, stdout, stderr } = await run(
    `const { Server, Client } = require('chinwag');
     const server = new Server();
     server.on('open', () => { throw new Error('boom'); });
     server.on('close', async () => { throw new Error('later'); });
     server.start().then(async () => {
       const ann = await new Client(server.url).connect(); await ann.join('tea');
       await ann.close(); await server.drain(); console.log('served');
     });`,
  );
  assert.deepEqual([code, stdout], [0, 'served\n']);
  assert.match(stderr, /'open' failed: Error: boom[^]*'close' failed: Error: later/);
});

test('the example server outlives peers that come and go in one segment', async () => {
  const child = spawn(process.execPath, ['examples/node/chat_server.mjs', '0'], { cwd: ROOT });
  after(() => child.kill('SIGKILL'));
  const port = await listeningPort(child.pid);
  for (let i = 0; i < 20; ++i) {
    const peer = net.connect(port, '127.0.0.1');
    peer.on('error', () => {});
    peer.write(Buffer.concat([Buffer.from(UPGRADE), Buffer.from([0x88, 0x80, 0, 0, 0, 0])]));
    peer.resume();
    await Promise.race([once(peer, 'close'), once(child, 'exit')]);
  }
  const ann = await new Client(`ws://127.0.0.1:${port}/ws`, { user: 'ann' }).connect();
  await ann.join('tea');
  await ann.close();
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('a copy of the modules, loaded anew, leaves the servers of the first alone', async () => {
  const { code, stdout } = await run(
    `const load = () => {
       for (const name of Object.keys(require.cache)) {
         if (!name.endsWith('.node')) delete require.cache[name];
       }
       return require('chinwag');
     };
     const talk = async ({ Server, Client }, meanwhile = () => {}) => {
       const server = new Server();
       server.on('message', (message) => { message.content += '!'; });
       await server.start();
       meanwhile();
       const ann = await new Client(server.url, { user: 'ann' }).connect();
       await ann.join('tea');
       await ann.send('tea', 'hello');
       for await (const { type, content } of ann.messages()) {
         if (type !== 'message') continue;
         console.log(content);
         break;
       }
       await ann.close();
       await server.drain();
     };
     talk(load(), load).then(() => talk(load()));`,
  );
  assert.deepEqual([code, stdout], [0, 'hello!\nhello!\n']);
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

test('a worker may be ended in the middle of a drain', { timeout: 60_000 }, async () => {
  for (let i = 0; i < 5; ++i) {
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       const { Server } = require('chinwag');
       const server = new Server({ close_timeout_ms: 60_000 });
       parentPort.on('message', () => {
         server.drain(60_000);
         parentPort.postMessage('draining');
       });
       server.start().then(() => parentPort.postMessage(server.port));`,
      { eval: true },
    );
    const [port] = await once(worker, 'message');
    // It answers neither the close nor the end of what is sent to it.
    const peer = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    peer.on('error', () => {});
    peer.write(UPGRADE);
    await once(peer, 'data');
    worker.postMessage('drain');
    await once(worker, 'message');
    await worker.terminate();
    peer.destroy();
  }
});

test('in exit hooks a server says that it runs, or that it does not', async () => {
  const { code, stdout, stderr } = await run(
    `const { Server } = require('chinwag');
     (async () => {
       const gone = await new Server().start();
       const server = await new Server().start();
       process.on('exit', () => {
         server.publish('tea', 'x');
         console.log(server.members('tea').length);
         try { gone.publish('tea', 'x'); } catch (error) { console.log(error.code); }
       });
       await gone.drain();
       process.exit(0);
     })();`,
  );
  assert.deepEqual([code, stdout, stderr], [0, '0\nnot_running\n', '']);
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
       console.log(kept[0].connection.close());
       console.log(kept.every((one, i) => one.content === String(i)));
     })();`,
    undefined,
    ['--expose-gc'],
  );
  assert.deepEqual([code, stdout, stderr], [0, 'false\ntrue\n', '']);
});
