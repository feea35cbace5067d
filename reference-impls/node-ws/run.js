// One serving process from its start to its end: all of the default variant, or one of `workers`.

import process from 'node:process';

import { Listener } from './listener.js';

// Who does not answer the closing handshake is cut off well within the protocol's five seconds.
const SHUTDOWN_GRACE_MS = 3000;

export function fail(message) {
  console.error(`node-ws: ${message}`);
  process.exit(1);
}

/** `parts` replaces what the listener would use by itself. */
export function run(settings, parts = {}) {
  const onError = (error) => {
    fail(`can't listen on ${settings.host}:${settings.port}: ${error.message}`);
  };
  const listener = new Listener(settings, onError, parts);
  const stop = () => {
    setTimeout(() => process.exit(0), SHUTDOWN_GRACE_MS);
    listener.stop(() => process.exit(0));
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, stop);
}
