'use strict';
// Texts and numbers that a program gives, looked at before they go anywhere.

const { ChinwagError } = require('./errors.cjs');

const NAME_BYTES_MAX = 64;
const MESSAGE_BYTES_MAX = 65_536;
const CONTENT_BYTES_MAX = 65_536;
const CLOSE_CODE_MAX = 65_535;
const HALF_A_PAIR = /\p{Surrogate}/u; // with the flag, a whole pair is one character
const isWhole = (text) => text.isWellFormed?.() ?? !HALF_A_PAIR.test(text); // from Node.js 20 on
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** What a value is, for messages. */
function typeOf(value) {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  const { name } = Object.getPrototypeOf(value)?.constructor ?? {};
  return typeof name === 'string' && name !== '' ? name : 'object';
}

function checkText(name, value) {
  if (typeof value !== 'string') {
    throw new TypeError(`${name} is a string, not ${typeOf(value)}`);
  }
}

/** Throws `bad_name` for what chat/1 does not take for the name of a user or a room. */
function checkName(name, value) {
  checkText(name, value);
  const bytes = Buffer.byteLength(value);
  if (bytes >= 1 && bytes <= NAME_BYTES_MAX && !CONTROL.test(value) && isWhole(value)) {
    return;
  }
  const shown = value.length > NAME_BYTES_MAX ? `${value.slice(0, NAME_BYTES_MAX)}...` : value;
  throw new ChinwagError(
    `${name} is ${JSON.stringify(shown)}: give 1 to ${NAME_BYTES_MAX} bytes of UTF-8 without ` +
      'control characters and halves of surrogate pairs',
    'bad_name',
  );
}

/** Throws `bad_content` for half of a surrogate pair, which UTF-8 can't carry. */
function checkWhole(name, value) {
  checkText(name, value);
  if (isWhole(value)) return;
  throw new ChinwagError(
    `${name} has half of a surrogate pair at ${value.search(HALF_A_PAIR)}: cut texts between ` +
      'characters',
    'bad_content',
  );
}

/** Throws `bad_content` for what a server does not send: too much, or half of a pair. */
function checkContent(name, value) {
  checkWhole(name, value);
  const size = Buffer.byteLength(value);
  if (size <= CONTENT_BYTES_MAX) return;
  throw new ChinwagError(
    `${name} has ${size} bytes of UTF-8: give at most ${CONTENT_BYTES_MAX}`,
    'bad_content',
  );
}

/** Throws for what is no close code; which of them may be sent is the core's to say. */
function checkCloseCode(code) {
  if (typeof code !== 'number') {
    throw new TypeError(`a close code is a number, not ${typeOf(code)}`);
  }
  if (Number.isInteger(code) && code >= 0 && code <= CLOSE_CODE_MAX) return;
  throw new ChinwagError(
    `${code} is no close code to send: give 1000, 1008 or one from 3000 to 4999`,
    'bad_close_code',
  );
}

/** The text frame of a request; `bad_content` if a server would close the connection for it. */
function encodeRequest(request) {
  const text = JSON.stringify(request);
  const size = Buffer.byteLength(text);
  if (size <= MESSAGE_BYTES_MAX) return text;
  throw new ChinwagError(
    `the content makes a message of ${size} bytes with the JSON around it: give at most ` +
      `${MESSAGE_BYTES_MAX}`,
    'bad_content',
  );
}

/** Throws for what is no deadline; `Infinity` is one that never comes. */
function checkDeadline(name, deadlineMs) {
  if (typeof deadlineMs !== 'number') {
    throw new TypeError(`${name} is a number of milliseconds, not ${typeOf(deadlineMs)}`);
  }
  if (!(deadlineMs >= 0)) {
    throw new ChinwagError(
      `${name} is ${deadlineMs}: give milliseconds from 0 on, or Infinity for none`,
      'bad_deadline',
    );
  }
}

module.exports = {
  checkCloseCode,
  checkContent,
  checkDeadline,
  checkName,
  checkWhole,
  encodeRequest,
  typeOf,
};
