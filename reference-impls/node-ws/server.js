// chat/1 in Node.js: `ws` on a plain HTTP server, one process, one event loop.

import process from 'node:process';

import { Chat } from './chat.js';
import { Listener } from './listener.js';
import { Liveness } from './liveness.js';
import { readSettings } from './settings.js';

// Who does not answer the closing handshake is cut off well within the protocol's five seconds.
const SHUTDOWN_GRACE_MS = 3000;

function fail(message) {
  console.error(`node-ws: ${message}`);
  process.exit(1);
}

function start(settings) {
  const chat = new Chat();
  const liveness = new Liveness(settings);
  const listener = new Listener(chat, liveness);

  listener.on('error', (error) => {
    fail(`can't listen on ${settings.host}:${settings.port}: ${error.message}`);
  });
  listener.listen(settings.port, settings.host);

  const stop = () => {
    setTimeout(() => process.exit(0), SHUTDOWN_GRACE_MS);
    liveness.stop();
    listener.stop(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

try {
  start(readSettings(process.env));
} catch (error) {
  fail(error.message);
}
