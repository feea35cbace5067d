// Settings come by environment, so that every compared server is started the same way.

import { availableParallelism } from 'node:os';
import process from 'node:process';

const WORKERS_MAX = 1024;
const TIMER_MAX_MS = 2 ** 31 - 1;
const WRITE_DELAY_MAX_MS = 60_000;
const WORK_MAX = 1_000_000;

function wholeNumber(env, name, fallback, min, max) {
  const text = env[name] ?? String(fallback);
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    const wanted = `a whole number from ${min} to ${max}`;
    throw new Error(`${name} is ${JSON.stringify(text)}: give ${wanted}`);
  }
  return value;
}

function positiveInteger(env, name, fallback, max) {
  return wholeNumber(env, name, fallback, 1, max);
}

/** A service manager's listening socket, as sd_listen_fds(3) says it; undefined without one. */
function passedSocket({ LISTEN_FDS, LISTEN_PID }) {
  return LISTEN_FDS === '1' && LISTEN_PID === String(process.pid) ? 3 : undefined;
}

export function readSettings(env) {
  return {
    fd: passedSocket(env),
    host: env.CHAT_HOST || '127.0.0.1',
    port: positiveInteger(env, 'CHAT_PORT', 4000, 65_535),
    backlog: positiveInteger(env, 'CHAT_BACKLOG', 4096, 65_535),
    pingIntervalMs: positiveInteger(env, 'CHAT_PING_INTERVAL_MS', 30_000, TIMER_MAX_MS),
    idleTimeoutMs: positiveInteger(env, 'CHAT_IDLE_TIMEOUT_MS', 60_000, TIMER_MAX_MS),
    work: wholeNumber(env, 'CHAT_WORK', 0, 0, WORK_MAX),
  };
}

/** How many processes serve in the `workers` variant. One would be the default with a detour. */
export function readWorkers(env) {
  return Math.max(positiveInteger(env, 'CHAT_WORKERS', availableParallelism(), WORKERS_MAX), 2);
}

/** For how many milliseconds a message of the `coalesced` variant may wait for others. */
export function readWriteDelay(env) {
  return positiveInteger(env, 'CHAT_WRITE_DELAY_MS', 20, WRITE_DELAY_MAX_MS);
}
