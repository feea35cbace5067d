// Variant `gateway`: Node.js accepts the clients' WebSockets, and passes each on to one of its own
// to an Elixir server behind it, which it starts by the command in its arguments.

import process from 'node:process';

import { Backend } from './backend.js';
import { Gateway } from './gateway.js';
import { readSettings } from './settings.js';

// From SIGTERM to the end it may take 5 s. The Elixir server takes up to 3 s of them.
const SHUTDOWN_GRACE_MS = 4000;

function fail(message) {
  console.error(`gateway: ${message}`);
  process.exit(1);
}

// Before the server is there: it ends with this process.
let stop = () => process.exit(0);

async function serve({ host, port, backlog }, command) {
  const backend = await Backend.start(command);
  const gateway = new Gateway(backend.port);
  let isStopping = false;
  /** The server's own closes come first: the gateway passes them on. */
  stop = () => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(0), SHUTDOWN_GRACE_MS);
    const left = new Promise((resolve) => gateway.stop(resolve));
    Promise.all([backend.stop(), left]).then(([code]) => process.exit(code));
  };
  backend.ended.then(stop);
  gateway.listen({ host, port, backlog }, (error) => {
    fail(`can't listen on ${host}:${port}: ${error.message}`);
  });
}

// Not `once`: by the second of them the process would die, with closes unsent.
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => stop());

try {
  await serve(readSettings(process.env), process.argv.slice(2));
} catch (error) {
  fail(error.message);
}
