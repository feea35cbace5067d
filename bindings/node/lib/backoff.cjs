'use strict';

const { readBackoffOptions } = require('./options.cjs');

/** Exponential delays with full jitter, in milliseconds; see index.d.ts. */
class Backoff {
  #firstMs;
  #mostMs;
  #random;
  #tries = 0;

  constructor(options = {}) {
    const { firstMs = 1000, mostMs = 30_000, random = Math.random } = readBackoffOptions(options);
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
    this.#random = random;
  }

  nextMs() {
    const bound = Math.min(this.#mostMs, this.#firstMs * 2 ** Math.min(this.#tries++, 32));
    return this.#random() * bound;
  }

  reset() {
    this.#tries = 0;
  }
}

module.exports = { Backoff };
