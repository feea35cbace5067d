'use strict';

/** Exponential delays with full jitter, in milliseconds; see index.d.ts. */
class Backoff {
  #firstMs;
  #mostMs;
  #random;
  #tries = 0;

  constructor({ firstMs = 1000, mostMs = 30_000, random = Math.random } = {}) {
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
