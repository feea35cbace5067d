'use strict';
// Texts and numbers that a program gives, looked at before they go anywhere.

const { ChinwagError } = require('./errors.cjs');

const NAME_BYTES_MAX = 64;
const MESSAGE_BYTES_MAX = 65_536;
const HALF_A_PAIR = /\p{Surrogate}/u; // with the flag, a whole pair is one character
const isWhole = (text) => text.isWellFormed?.() ?? !HALF_A_PAIR.test(text); // from Node.js 20 on
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

function checkText(name, value) {
  if (typeof value !== 'string') {
    throw new TypeError(`${name} is a string, not ${value === null ? 'null' : typeof value}`);
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
function checkContent(name, value) {
  checkText(name, value);
  if (isWhole(value)) return;
  throw new ChinwagError(
    `${name} has half of a surrogate pair at ${value.search(HALF_A_PAIR)}: cut texts between ` +
      'characters',
    'bad_content',
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
function checkDeadline(deadlineMs) {
  if (typeof deadlineMs !== 'number') {
    throw new TypeError(`the deadline is a number of milliseconds, not ${typeof deadlineMs}`);
  }
  if (!(deadlineMs >= 0)) {
    throw new ChinwagError(
      `the deadline is ${deadlineMs}: give milliseconds from 0 on, or Infinity for none`,
      'bad_deadline',
    );
  }
}

module.exports = { checkContent, checkDeadline, checkName, encodeRequest };
