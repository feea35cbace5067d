'use strict';

const { Hosted, version } = require('./chinwag.node');

/** A chat/1 server on a thread of its own; see index.d.ts. */
class Server {
  #hosted;
  #drained;

  constructor(options = {}) {
    this.#hosted = new Hosted(options);
  }

  get port() {
    return this.#hosted.port();
  }

  stats() {
    return this.#hosted.stats();
  }

  drain(deadlineMs = 5000) {
    this.#drained ??= this.#hosted.drain(deadlineMs);
    return this.#drained;
  }
}

module.exports = { Server, version };
