// chat/1 in Node.js: Socket.IO on a plain HTTP server, one process, one event loop.

import process from 'node:process';

import { Listener } from './listener.js';
import { readSettings } from './settings.js';

// Who does not answer the closing handshake is cut off well within the protocol's five seconds.
const SHUTDOWN_GRACE_MS = 3000;

function fail(message) {
  console.error(`node-socketio: ${message}`);
  process.exit(1);
}

function start(settings) {
  const listener = new Listener(settings);
  const stop = () => {
    setTimeout(() => process.exit(0), SHUTDOWN_GRACE_MS);
    listener.stop(() => process.exit(0));
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, stop);
  listener.listen(settings, (error) => {
    fail(`can't listen on ${settings.host}:${settings.port}: ${error.message}`);
  });
}

try {
  start(readSettings(process.env));
} catch (error) {
  fail(error.message);
}
