// What a defect in a handler would do. A kit asks for it and measures what follows.

import process from 'node:process';

/** Milliseconds in which nothing else runs. */
function spin({ ms }) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

function crash() {
  throw new Error('__crash was asked for');
}

// What a new build is told from the old one by.
const BUILD = process.env.CHAT_BUILD ?? '1';

function tellBuild(_fields, socket) {
  socket.emit('__build', { build: BUILD });
}

const OBEYS = process.env.CHAT_FAULTS === '1';

/** By event; none without CHAT_FAULTS=1. */
export const FAULTS = OBEYS ? { __build: tellBuild, __crash: crash, __spin: spin } : {};
