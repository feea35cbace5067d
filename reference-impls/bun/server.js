// chat/1 in Bun: one process, one event loop, WebSockets by Bun.serve.

import { Listener } from './listener.js';
import { readSettings } from './settings.js';

// Who does not answer the closing handshake is cut off well within the protocol's five seconds.
const SHUTDOWN_GRACE_MS = 3000;

function fail(message) {
  console.error(`bun: ${message}`);
  process.exit(1);
}

function start(settings) {
  const listener = new Listener(settings);
  try {
    listener.listen(settings);
  } catch (error) {
    fail(`can't listen on ${settings.host}:${settings.port}: ${error.message}`);
  }
  let isStopping = false;
  const stop = async () => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(0), SHUTDOWN_GRACE_MS);
    await listener.stop();
    process.exit(0);
  };
  // Not `once`: by the second of them the process would die, with its closes unsent.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, stop);
}

try {
  start(readSettings(process.env));
} catch (error) {
  fail(error.message);
}
