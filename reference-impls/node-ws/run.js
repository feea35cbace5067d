// One serving process from its start to its end.

import process from 'node:process';

import { Listener } from './listener.js';
import { readSettings } from './settings.js';

// Who does not answer the closing handshake is cut off well within the protocol's five seconds.
const SHUTDOWN_GRACE_MS = 3000;

export function fail(message) {
  console.error(`node-ws: ${message}`);
  process.exit(1);
}

export function failToListen({ host, port }, error) {
  fail(`can't listen on ${host}:${port}: ${error.message}`);
}

/**
 * The listener, which stops at a signal; `parts` replaces what it would use by itself. Once
 * everyone is gone, `end` does what is left to do and calls what it is given.
 */
export function run(settings, parts = {}) {
  const listener = new Listener(settings, parts);
  const { end = (exit) => exit() } = parts;
  let isStopping = false;
  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(0), SHUTDOWN_GRACE_MS);
    listener.stop(() => end(() => process.exit(0)));
  };
  // Not `once`: by the second of them the process would die, with its closes unsent.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, stop);
  return listener;
}

/** One process alone. `makeParts` is called where a wrong setting is answered with one line. */
export function start(makeParts = () => ({})) {
  try {
    const settings = readSettings(process.env);
    run(settings, makeParts(settings)).listen(settings, (error) => failToListen(settings, error));
  } catch (error) {
    fail(error.message);
  }
}
