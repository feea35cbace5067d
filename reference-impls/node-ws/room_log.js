// The log of a room: its messages, as finished frames one behind the other. All members are written
// from the same bytes, and a member is a position in them.

import { Buffer } from 'node:buffer';

const CHUNK_BYTES_MIN = 4 * 1024;
export const CHUNK_BYTES_MAX = 128 * 1024;

let clock = 0;

class Chunk {
  length = 0;

  /** `start` is its place in the log. */
  constructor(start, capacity) {
    this.start = start;
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  get end() {
    return this.start + this.length;
  }

  hasSpaceFor(byteCount) {
    return this.length + byteCount <= this.bytes.length;
  }

  put(part) {
    this.bytes.set(part, this.length);
    this.length += part.length;
  }

  after(position) {
    return this.bytes.subarray(Math.max(position - this.start, 0), this.length);
  }
}

/**
 * Bytes are never written over: whoever holds a part of the log, as a socket does that could not
 * send it yet, keeps that chunk in memory, and nobody else does once the log was trimmed.
 */
export class RoomLog {
  end = 0;
  grewAt = 0; // the first time since it was trimmed, on a clock of all logs
  #trimmedAt = 0;
  #chunks = [];
  #capacity = CHUNK_BYTES_MIN;
  #shared = { position: 0, end: 0, parts: [] };

  /** What was appended since it was trimmed. */
  get byteCount() {
    return this.end - this.#trimmedAt;
  }

  /** One frame, in parts. */
  append(parts) {
    if (this.byteCount === 0) this.grewAt = ++clock;
    let byteCount = 0;
    for (const part of parts) byteCount += part.length;
    const chunk = this.#chunkFor(byteCount);
    for (const part of parts) chunk.put(part);
    this.end += byteCount;
  }

  /** All that lies behind a position. Members who are equally far share the answer. */
  after(position) {
    const { end } = this;
    if (this.#shared.position !== position || this.#shared.end !== end) {
      const parts = [];
      for (const chunk of this.#chunks) {
        if (chunk.end > position) parts.push(chunk.after(position));
      }
      this.#shared = { position, end, parts };
    }
    return this.#shared.parts;
  }

  /**
   * Every member is at the end. Only a small chunk is filled on: a quiet room holds no large one,
   * and who holds a few bytes of the log does not keep many others in memory.
   */
  trim() {
    if (this.byteCount < this.#capacity / 8) {
      this.#capacity = Math.max(this.#capacity / 2, CHUNK_BYTES_MIN);
    }
    const last = this.#chunks.at(-1);
    this.#chunks = last?.bytes.length === CHUNK_BYTES_MIN ? [last] : [];
    this.#shared = { position: this.end, end: this.end, parts: [] };
    this.#trimmedAt = this.end;
  }

  #chunkFor(byteCount) {
    const last = this.#chunks.at(-1);
    if (last?.hasSpaceFor(byteCount)) return last;
    if (last !== undefined) this.#capacity = Math.min(this.#capacity * 2, CHUNK_BYTES_MAX);
    const chunk = new Chunk(this.end, Math.max(this.#capacity, byteCount));
    this.#chunks.push(chunk);
    return chunk;
  }
}
