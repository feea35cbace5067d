// The usual request, whose content goes out as it came: no string is made of it.

import { Buffer } from 'node:buffer';

import { isName } from './names.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7d;
const END = '"}';
// A longer head is not kept.
const HEAD_BYTES_MAX = 512;
// As many heads are learned in vain, and one more for each that is met again: who never asks twice
// alike is parsed, and no more.
const CREDIT_MAX = 8;

/** 1 for each byte that a JSON string has only in an escape, or ends or begins one. */
const NEEDS_CARE = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte < 0x20 || byte === QUOTE || byte === BACKSLASH),
);

// All of a read of `ws` lies in one array: its words are seen by the same view. It is as long as
// there are whole words.
let array = null;
let words = null;

function viewWords(buffer) {
  if (buffer === array) return;
  array = buffer;
  words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
}

/**
 * Whether bytes of sound UTF-8 are what JSON.stringify makes of the string that they say. Four at a
 * time: a borrow or a carry reaches into a byte only from one that needs care itself.
 */
export function isPlain(bytes, from, to) {
  viewWords(bytes.buffer);
  const { byteOffset } = bytes;
  let found = 0;
  let at = from;
  for (; at < to && (byteOffset + at) % 4 !== 0; at++) found |= NEEDS_CARE[bytes[at]];
  const firstWord = (byteOffset + at) >> 2;
  const endWord = (byteOffset + to) >> 2;
  let foundInWords = 0;
  for (let word = firstWord; word < endWord; word++) {
    const four = words[word];
    const quotes = four ^ 0x22222222;
    const backslashes = four ^ 0x5c5c5c5c;
    foundInWords |=
      ((four - 0x20202020) & ~four) |
      ((quotes - 0x01010101) & ~quotes) |
      ((backslashes - 0x01010101) & ~backslashes);
  }
  if (endWord > firstWord) at = endWord * 4 - byteOffset;
  for (; at < to; at++) found |= NEEDS_CARE[bytes[at]];
  return found === 0 && (foundInWords & 0x80808080) === 0;
}

/** Kept for long, so not from the pool of `Buffer.from`. */
function keep(bytes) {
  const kept = Buffer.allocUnsafeSlow(bytes.length);
  kept.set(bytes);
  return kept;
}

let stampedAt = null;
let stamp = null;

/** What stands between the head of a message and its content, the same for a millisecond. */
function currentStamp() {
  const now = Date.now();
  if (now !== stampedAt) {
    stampedAt = now;
    stamp = Buffer.from(`,"timestamp":${now},"content":"`);
  }
  return stamp;
}

/** Requests to one room, or direct ones to one user, of one connection. */
class PlainRequest {
  #asked;
  #told;

  /** `place` names where the content goes; `asked` and `told` are what stands before it. */
  constructor(place, asked, told) {
    this.place = place;
    this.#asked = keep(asked);
    this.#told = keep(Buffer.from(JSON.stringify(told).slice(0, -1)));
  }

  matches(data) {
    const asked = this.#asked;
    const end = data.length - END.length;
    if (end < asked.length || data[end] !== QUOTE || data[end + 1] !== BRACE) return false;
    for (let at = 0; at < asked.length; at++) if (data[at] !== asked[at]) return false;
    return isPlain(data, asked.length, end);
  }

  /** The message that a request is told as, with the content's own bytes and its end. */
  encode(data) {
    const told = this.#told;
    const between = currentStamp();
    const length = told.length + between.length;
    const message = Buffer.allocUnsafe(length + data.length - this.#asked.length);
    message.set(told);
    message.set(between, told.length);
    data.copy(message, length, this.#asked.length);
    return message;
  }
}

/**
 * What a request begins with, and what JSON.parse reads there, if the content comes last: null
 * where it does not. With nothing between the head and the end it is empty, so it is the content
 * that stands there: any other that needs no care makes the same request with that content.
 */
function headOf(data, content) {
  const length = data.length - END.length - Buffer.byteLength(content);
  if (content === '' || length > HEAD_BYTES_MAX || data[length - 1] !== QUOTE) return null;
  const bytes = data.subarray(0, length);
  try {
    const fields = JSON.parse(bytes + END);
    return fields.content === '' ? { bytes, fields } : null;
  } catch {
    return null;
  }
}

/**
 * One connection's: the last of each type that JSON.parse has read. A request that does not begin
 * with the same bytes, or needs care, is for JSON.parse.
 */
export class PlainRequests {
  #user;
  #message = null;
  #direct = null;
  #credit = CREDIT_MAX;

  constructor(user) {
    this.#user = user;
  }

  /** The one that `data` is; null where it has to be parsed. */
  find(data) {
    let plain = null;
    if (this.#message?.matches(data)) plain = this.#message;
    else if (this.#direct?.matches(data)) plain = this.#direct;
    if (plain !== null && this.#credit < CREDIT_MAX) this.#credit += 1;
    return plain;
  }

  /** `request` is what JSON.parse has made of `data`. */
  learn(data, request) {
    if (this.#credit === 0 || typeof request?.content !== 'string') return;
    const head = headOf(data, request.content);
    if (head === null) return;
    this.#credit -= 1;
    const { type, room, to } = head.fields;
    const user = this.#user;
    if (type === 'message' && isName(room)) {
      this.#message = new PlainRequest({ room }, head.bytes, { type, room, user });
    } else if (type === 'direct' && isName(to)) {
      this.#direct = new PlainRequest({ to }, head.bytes, { type, user });
    }
  }
}
