// What a client may ask: checks the form of a request, then hands it to the chat.

import { isName } from './names.js';
import * as messages from './messages.js';

const isText = (value) => typeof value === 'string';

/** What each request needs, with the check that each field must pass. */
const FIELDS = new Map([
  ['join', { room: isName }],
  ['leave', { room: isName }],
  ['message', { room: isName, content: isText }],
  ['direct', { to: isName, content: isText }],
  ['heartbeat', {}],
]);

/** Says what is wrong with a request, or null. */
function fault(request) {
  if (request === null || typeof request !== 'object' || Array.isArray(request)) {
    return 'a message is a JSON object';
  }
  if (typeof request.type !== 'string') return '"type" is missing or not a string';
  for (const [field, isValid] of Object.entries(FIELDS.get(request.type) ?? {})) {
    if (!isValid(request[field])) return `"${field}" is missing, not a string or out of bounds`;
  }
  return null;
}

export function serve(chat, connection, request) {
  const why = fault(request);
  if (why !== null) return connection.send(messages.error('bad_request', why));
  switch (request.type) {
    case 'join':
      return chat.join(connection, request.room);
    case 'leave':
      return chat.leave(connection, request.room);
    case 'message':
      return chat.publish(connection, request.room, request.content);
    case 'direct':
      return chat.direct(connection, request.to, request.content);
    case 'heartbeat':
      return connection.send(messages.heartbeat());
  }
}
