// What `ws` would write for a text message of a server.

import { Buffer } from 'node:buffer';

import { Sender } from 'ws';

const TEXT = 1;
const OPTIONS = { fin: true, opcode: TEXT, mask: false, rsv1: false, readOnly: true };

/** Header and payload. */
export function frameParts(message) {
  return Sender.frame(message, OPTIONS);
}

let last = { message: null, frame: null };

/** In one piece. Whoever receives a message receives it before the next one is framed. */
export function textFrame(message) {
  if (message !== last.message) last = { message, frame: Buffer.concat(frameParts(message)) };
  return last.frame;
}
