// User and room names: 1 to 64 bytes of UTF-8 without control characters.

import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';

const NAME_BYTES_MAX = 64;
// Control characters, and surrogates without their other half: those have no UTF-8.
const FORBIDDEN = /[\p{Cc}\p{Cs}]/u;

export function isName(value) {
  return (
    typeof value === 'string' &&
    value !== '' &&
    Buffer.byteLength(value) <= NAME_BYTES_MAX &&
    !FORBIDDEN.test(value)
  );
}

/** The user that a query string names, a fresh UUID if it names none, null if out of bounds. */
export function userFromQuery(query) {
  const pair = query.split('&').find((text) => /^user(=|$)/.test(text));
  const value = (pair ?? '').slice('user='.length).replaceAll('+', ' ');
  try {
    // Throws on bytes that are not UTF-8, where URLSearchParams would replace them.
    const user = decodeURIComponent(value) || randomUUID();
    return isName(user) ? user : null;
  } catch {
    return null;
  }
}
