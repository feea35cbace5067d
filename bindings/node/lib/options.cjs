'use strict';
// Options that a program gives, looked at where it gives them.

const { constants } = require('node:buffer');
const { ChinwagError } = require('./errors.cjs');
const { checkDeadline, typeOf } = require('./texts.cjs');

// Node.js fires a timer that is longer at once.
const TIMER_MS_MAX = 2 ** 31 - 1;
// A text that is longer is no string of JavaScript, or no length that `ws` can be told.
const TEXT_BYTES_MAX = Math.min(constants.MAX_STRING_LENGTH, 2 ** 31 - 1);

/** What an object of options holds now, without those that are undefined. */
function readOptions(given, example, names) {
  // A Map or an array has options that nobody would see.
  if (Object.prototype.toString.call(given) !== '[object Object]') {
    throw new TypeError(`options is an object, such as ${example}, not ${typeOf(given)}`);
  }
  const read = Object.create(null);
  for (const name in given) {
    if (names && !names.includes(name)) {
      const right = names.length > 1 ? `one of ${names.join(', ')}` : names[0];
      throw new ChinwagError(`there is no option '${name}': give ${right}`, 'unknown_option');
    }
    const value = given[name];
    if (value !== undefined) read[name] = value;
  }
  return read;
}

/** Throws unless it is a number between two bounds; `kind` says which numbers it may be. */
function checkNumber(name, value, { least, most, kind = 'number' }) {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} is a ${kind}, not ${typeOf(value)}`);
  }
  if (value >= least && value <= most && (kind === 'number' || Number.isInteger(value))) return;
  throw new ChinwagError(
    `${name} is ${value}: give a ${kind} from ${least} to ${most}`,
    'bad_option_value',
  );
}

const WHOLE = 'whole number';
const DELAY = { least: 1, most: TIMER_MS_MAX };
const BOUNDS = {
  heartbeatMs: DELAY,
  connectTimeoutMs: DELAY,
  closeTimeoutMs: { least: 0, most: TIMER_MS_MAX },
  queueMax: { least: 1, most: Number.MAX_SAFE_INTEGER, kind: WHOLE },
  messageBytesMax: { least: 65_536, most: TEXT_BYTES_MAX, kind: WHOLE },
};
const CLIENT_OPTIONS = ['user', 'reconnect', 'backoff', ...Object.keys(BOUNDS)];

/** The options of a client, checked; those that are not given are undefined. */
function readClientOptions(given) {
  const options = readOptions(given, "{ user: 'ann' }", CLIENT_OPTIONS);
  for (const [name, bounds] of Object.entries(BOUNDS)) {
    if (options[name] !== undefined) checkNumber(name, options[name], bounds);
  }
  const { reconnect, backoff } = options;
  if (reconnect !== undefined && typeof reconnect !== 'boolean') {
    throw new TypeError(`reconnect is true or false, not ${typeOf(reconnect)}`);
  }
  const isBackoff = ['nextMs', 'reset'].every((name) => typeof backoff?.[name] === 'function');
  if (backoff !== undefined && !isBackoff) {
    throw new TypeError('backoff is a Backoff, or has its methods nextMs() and reset()');
  }
  return options;
}

/** The options of a Backoff, checked. */
function readBackoffOptions(given) {
  const options = readOptions(given, '{ firstMs: 500 }', ['firstMs', 'mostMs', 'random']);
  for (const name of ['firstMs', 'mostMs']) {
    if (options[name] !== undefined) checkNumber(name, options[name], DELAY);
  }
  if (options.random !== undefined && typeof options.random !== 'function') {
    throw new TypeError(`random is a function, not ${typeOf(options.random)}`);
  }
  return options;
}

/** How long a call waits at most; Infinity for as long as it takes. */
function readTimeout(given, otherwise) {
  const { timeoutMs = otherwise } = readOptions(given, '{ timeoutMs: 1000 }', ['timeoutMs']);
  checkDeadline('timeoutMs', timeoutMs);
  return timeoutMs;
}

/** A timer, but none for what is longer than timers can be: 24 days. */
function setTimer(call, delayMs) {
  return delayMs <= TIMER_MS_MAX ? setTimeout(call, delayMs) : undefined;
}

module.exports = {
  TIMER_MS_MAX,
  readBackoffOptions,
  readClientOptions,
  readOptions,
  readTimeout,
  setTimer,
};
