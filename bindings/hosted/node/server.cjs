'use strict';
// The core inside a Node.js process, as a compared server. With CHAT_HANDLER=true a JavaScript
// handler sees every message before it is published.

const { Server } = require('../../node/index.cjs');

const VARIABLES = {
  host: 'CHAT_HOST',
  port: 'CHAT_PORT',
  ping_interval_ms: 'CHAT_PING_INTERVAL_MS',
  idle_timeout_ms: 'CHAT_IDLE_TIMEOUT_MS',
  listen_backlog: 'CHAT_BACKLOG',
  echo: 'CHINWAGD_ECHO',
};

const options = { port: 4000 };
for (const [name, variable] of Object.entries(VARIABLES)) {
  if (process.env[variable] !== undefined) options[name] = process.env[variable];
}

/** What a defect in a handler would do. A kit asks for it and measures what follows. */
function commitFault(message) {
  const [kind, ms] = message.content.split(' ');
  if (kind === '__build') message.answer(`__build ${process.env.CHAT_BUILD ?? '1'}`);
  if (kind === '__crash') throw new Error('__crash was asked for');
  if (kind !== '__spin') return;
  const end = performance.now() + Number(ms);
  while (performance.now() < end);
}

async function main() {
  const server = new Server(options);
  if (process.env.CHAT_FAULTS === '1') {
    server.on('message', commitFault);
  } else if (process.env.CHAT_HANDLER === 'true') {
    // What a filter does at least: it reads the text.
    server.on('message', (message) => {
      if (message.content.includes('a word that nobody says')) message.refuse('mind your words');
    });
  }
  // Before the port is bound: whoever sees it listen may send a signal.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => server.drain(3000));
  await server.start();
}

/** The core names an option first, where it is about one: here it was set by a variable. */
function inTermsOfVariables(error) {
  return error.replace(/^\w+/, (name) => VARIABLES[name] ?? name);
}

main().catch((error) => {
  console.error(`node-hosted: ${inTermsOfVariables(error.message)}`);
  process.exitCode = 1;
});
