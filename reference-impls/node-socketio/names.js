// User and room names: 1 to 64 bytes of UTF-8 without control characters.

import { Buffer } from 'node:buffer';

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
