// What a client may ask: checks the form of a request, then hands it to the chat.

import { commitFault } from './faults.js';
import { isName } from './names.js';

const isText = (value) => typeof value === 'string';

/** What each request needs, with each field's check. Chat has a method for each of them. */
const FIELDS = new Map([
  ['join', [['room', isName]]],
  ['leave', [['room', isName]]],
  ['message', [['room', isName], ['content', isText]]],
  ['direct', [['to', isName], ['content', isText]]],
  ['heartbeat', []],
]);

/** Says what is wrong with a request, or null. */
function fault(request) {
  if (request === null || typeof request !== 'object' || Array.isArray(request)) {
    return 'a message is a JSON object';
  }
  if (!isText(request.type)) return '"type" is missing or not a string';
  for (const [field, isValid] of FIELDS.get(request.type) ?? []) {
    if (!isValid(request[field])) return `"${field}" is missing, not a string or out of bounds`;
  }
  return null;
}

/** Fields not named above are ignored, and so is a type that is not there. */
export function serve(chat, connection, request) {
  const why = fault(request);
  if (why !== null) chat.refuse(connection, { why });
  else if (FIELDS.has(request.type)) chat[request.type](connection, request);
  else commitFault(request, connection);
}
