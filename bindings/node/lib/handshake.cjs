'use strict';
// Where a client connects, and what it says when that fails.

const { ChinwagError } = require('./errors.cjs');
const { typeOf } = require('./texts.cjs');

const SHOWN_MAX = 200;

/** A URL for messages, which are for logs: without its password. */
function shown(url) {
  const parsed = new URL(url);
  if (parsed.password !== '') parsed.password = '...';
  return parsed.href;
}

function badUrl(url, what) {
  const advice = 'give one such as ws://127.0.0.1:4000/ws';
  return new ChinwagError(`${JSON.stringify(String(url))} ${what}: ${advice}`, 'bad_url');
}

/** The URL with the user's name in its query. */
function withUser(url, user) {
  if (typeof url !== 'string' && !(url instanceof URL)) {
    throw new TypeError(`url is a string or a URL, not ${typeOf(url)}`);
  }
  let parsed;
  try {
    parsed = new URL(url);
  } catch {
    throw badUrl(url, 'is no URL');
  }
  if (!['ws:', 'wss:'].includes(parsed.protocol)) {
    throw badUrl(shown(url), `has the scheme ${parsed.protocol.slice(0, -1)}, not ws or wss`);
  }
  if (parsed.hash !== '') throw badUrl(shown(url), 'has a fragment, which no server is told');
  if (user !== undefined) parsed.searchParams.set('user', user);
  return parsed.href;
}

/** A server answered the upgrade with something else. */
function refusedHandshake(url, { statusCode, headers }) {
  let what = `HTTP ${statusCode}`;
  if (statusCode >= 300 && statusCode < 400 && headers.location) {
    const target = JSON.stringify(headers.location.slice(0, SHOWN_MAX));
    what += ` to ${target}: redirects are not followed, give the URL that serves`;
  }
  return new ChinwagError(`${shown(url)}: ${what}`, 'handshake_refused');
}

function unreachable(url, what) {
  return new ChinwagError(`${shown(url)}: ${what}; does the server run?`, 'unreachable');
}

module.exports = { refusedHandshake, unreachable, withUser };
