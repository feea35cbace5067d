// What a client may ask: checks the form of a request, then hands it to the chat.

import { FAULTS } from './faults.js';
import { isName } from './names.js';

const isText = (value) => typeof value === 'string';

/** What each request needs, with each field's check. */
const FIELDS = {
  join: { room: isName },
  leave: { room: isName },
  message: { room: isName, content: isText },
  direct: { to: isName, content: isText },
  heartbeat: {},
};

/** Says what is wrong with an event's argument, or null. */
function fault(type, fields) {
  if (fields === null || typeof fields !== 'object' || Array.isArray(fields)) {
    return 'an event has one object as its argument';
  }
  for (const [field, isValid] of Object.entries(FIELDS[type])) {
    if (!isValid(fields[field])) return `"${field}" is missing, not a string or out of bounds`;
  }
  return null;
}

/** Events not named above are ignored: that is Socket.IO's way, and the protocol's. */
export function serve(io, socket, verbs) {
  for (const [type, commit] of Object.entries(FAULTS)) {
    socket.on(type, (fields) => commit(fields, socket));
  }
  for (const type of Object.keys(FIELDS)) {
    socket.on(type, (fields) => {
      const why = fault(type, fields);
      // A handler that throws would end the process: nothing unchecked may reach it.
      if (why !== null) verbs.refuse(io, socket, { why });
      else verbs[type](io, socket, fields);
    });
  }
}
