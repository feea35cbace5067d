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

const FAULTS = process.env.CHAT_FAULTS === '1' ? { __crash: crash, __spin: spin } : {};

/** Does nothing for a type that is no fault, or without CHAT_FAULTS=1. */
export function commitFault(request) {
  if (Object.hasOwn(FAULTS, request.type)) FAULTS[request.type](request);
}
