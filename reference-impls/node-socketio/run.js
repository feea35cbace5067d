// One serving process from its start to its end.

import process from 'node:process';

import { Listener } from './listener.js';
import { readSettings } from './settings.js';

// Who does not answer the closing handshake is cut off well within the protocol's five seconds.
const SHUTDOWN_GRACE_MS = 3000;

function fail(message) {
  console.error(`node-socketio: ${message}`);
  process.exit(1);
}

function run(settings, parts) {
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
  listener.listen(settings, (error) => {
    fail(`can't listen on ${settings.host}:${settings.port}: ${error.message}`);
  });
}

/**
 * Serves until a signal comes; what `makeParts` gives replaces what the listener would use by
 * itself. Once everyone is gone, its `end` does what is left to do and calls what it is given.
 */
export function start(makeParts = () => ({})) {
  try {
    run(readSettings(process.env), makeParts());
  } catch (error) {
    fail(error.message);
  }
}
