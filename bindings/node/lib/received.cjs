'use strict';
// What a chat/1 server sends, read.

const TEXTS = ['room', 'user', 'content', 'message', 'code'];

/** What a server's text frame says; throws for what is no message of chat/1. */
function readMessage(text) {
  const given = JSON.parse(text);
  if (typeof given.type !== 'string') throw new TypeError('type is no string');
  for (const name of TEXTS) {
    if (typeof (given[name] ?? '') !== 'string') throw new TypeError(`${name} is no string`);
  }
  if (!Number.isInteger(given.timestamp ?? 0)) throw new TypeError('timestamp is no integer');
  return {
    type: given.type,
    room: given.room ?? '',
    user: given.user ?? '',
    content: given.content ?? given.message ?? '',
    timestamp: given.timestamp ?? 0,
    code: given.code ?? '',
  };
}

module.exports = { readMessage };
