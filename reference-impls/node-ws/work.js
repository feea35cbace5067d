// Work for the processor, which stands for what a handler may compute before a message goes out.

import { Buffer } from 'node:buffer';

const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/** The last hash: what is kept can't be optimised away. */
export let lastHash = 0;

/** FNV-1a, 32 bit, of the text's UTF-8 bytes. Each further round starts from the hash before. */
export function work(text, rounds) {
  const bytes = Buffer.from(text);
  let hash = OFFSET_BASIS;
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ bytes[at], PRIME);
  }
  lastHash = hash >>> 0;
}
