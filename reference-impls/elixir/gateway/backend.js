// The Elixir server behind the gateway: a process of its own on a port of 127.0.0.1.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { createServer } from 'node:net';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

export const HOST = '127.0.0.1';
// Below the ephemeral range: a port from there an outgoing connection could have by the time that
// the server is started on it.
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 32_000;
const ASK_AGAIN_MS = 20;
const HEALTH_TIMEOUT_MS = 1000;

async function freePort() {
  const port = LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT));
  const server = createServer().listen(port, HOST);
  try {
    await once(server, 'listening');
  } catch {
    return freePort();
  }
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether the server there says that it serves. */
async function isHealthy(port) {
  const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS);
  // Without an agent, which would keep the connection.
  const asked = { host: HOST, port, path: '/health', agent: false, signal };
  try {
    const [answer] = await once(get(asked), 'response');
    answer.resume();
    return answer.statusCode === 200;
  } catch {
    return false;
  }
}

export class Backend {
  /** The exit code, once it has ended. */
  ended;
  #child;

  constructor(command, port) {
    const [program, ...args] = command;
    const env = { ...process.env, CHAT_HOST: HOST, CHAT_PORT: port, CHAT_VARIANT: 'default' };
    this.port = port;
    this.#child = spawn(program, args, { env, stdio: 'inherit' });
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (code) => resolve(code ?? 1));
      this.#child.once('error', (error) => {
        console.error(`gateway: can't start the server: ${error.message}`);
        resolve(1);
      });
    });
    // However this process ends by itself, the server ends with it.
    process.on('exit', () => this.#child.kill('SIGKILL'));
  }

  /** Started, and serving. What it says against a setting is all that there is to say. */
  static async start(command) {
    const backend = new Backend(command, await freePort());
    let code;
    backend.ended.then((known) => (code = known));
    while (!(await isHealthy(backend.port))) {
      await Promise.race([sleep(ASK_AGAIN_MS), backend.ended]);
      if (code !== undefined) process.exit(code || 1);
    }
    return backend;
  }

  /** Tells it to stop, and waits for its end. */
  stop() {
    this.#child.kill('SIGTERM');
    return this.ended;
  }
}
