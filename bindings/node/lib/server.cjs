'use strict';

const { EventEmitter } = require('node:events');
const native = require('./native.cjs');
const { Dispatch, EVENTS } = require('./dispatch.cjs');
const { ChinwagError, translate } = require('./errors.cjs');
const { Connection, PROGRAM_NAME, checkText } = require('./requests.cjs');

// The running servers of this environment; whenever one of them has something, all are asked.
const running = new Set();
native.onWake(() => {
  for (const take of running) {
    try {
      take();
    } catch (error) {
      process.nextTick(() => {
        throw error; // uncaught, as it would be; the others are asked meanwhile
      });
    }
  }
});

/** A chat/1 server on a thread of its own; see index.d.ts. */
class Server extends EventEmitter {
  #options;
  #hosted;
  #dispatch;
  #port;
  #drained;
  #take = () => {
    this.#dispatch.handle(this.#hosted.take());
    for (const { warning, text } of this.#hosted.takeLogs()) this.emit('log', text, warning);
  };

  constructor(options = {}) {
    super();
    if (options === null || typeof options !== 'object') {
      throw new TypeError('options is an object, such as { port: 4000 }');
    }
    translate(() => native.checkOptions(options));
    this.#options = options;
    super.on('newListener', (name) => {
      if (!this.#hosted || !EVENTS.includes(name) || this.listenerCount(name) > 0) return;
      throw new ChinwagError('register handlers before the server starts', 'already_running');
    });
  }

  async start() {
    if (this.#hosted) {
      throw new ChinwagError('a server starts once: make a new one', 'already_running');
    }
    const wanted = EVENTS.filter((name) => this.listenerCount(name) > 0);
    const hosted = new native.Hosted(this.#options, wanted);
    this.#port = translate(() => hosted.start());
    this.#hosted = hosted;
    this.#dispatch = new Dispatch(this, hosted);
    running.add(this.#take);
    return this;
  }

  async drain(deadlineMs = 5000) {
    if (!this.#hosted) return;
    this.#drained ??= this.#end(deadlineMs);
    await this.#drained;
  }

  async #end(deadlineMs) {
    const end = Date.now() + deadlineMs;
    await this.#dispatch.finish(deadlineMs);
    await this.#hosted.drain(Math.max(250, end - Date.now()));
    this.#take();
    await this.#dispatch.finish(deadlineMs);
    running.delete(this.#take);
    this.emit('end');
  }

  publish(room, content, user = PROGRAM_NAME) {
    checkText('room', room);
    checkText('content', content);
    checkText('user', user);
    translate(() => this.#running.publish(room, content, user));
  }

  sendTo(user, content, sender = PROGRAM_NAME) {
    checkText('user', user);
    checkText('content', content);
    checkText('sender', sender);
    translate(() => this.#running.sendTo(user, content, sender));
  }

  close(connection, code = 1000) {
    connection.close(code);
  }

  get rooms() {
    const flat = translate(() => this.#running.rooms());
    const sizes = new Map();
    for (let at = 0; at < flat.length; at += 2) sizes.set(flat[at], flat[at + 1]);
    return sizes;
  }

  members(room) {
    checkText('room', room);
    const flat = translate(() => this.#running.members(room));
    const found = [];
    for (let at = 0; at < flat.length; at += 3) {
      found.push(new Connection(this.#hosted, flat[at], flat[at + 1], flat[at + 2]));
    }
    return found;
  }

  stats() {
    return { ...this.#running.stats(), handler_errors: this.#dispatch.errors };
  }

  get port() {
    if (this.#port === undefined) {
      throw new ChinwagError('the server does not run: start it first', 'not_running');
    }
    return this.#port;
  }

  get url() {
    const host = this.#options.host ?? '127.0.0.1';
    const authority = host.includes(':') ? `[${host}]` : host; // RFC 3986, 3.2.2
    return `ws://${authority}:${this.port}/ws`;
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.drain();
  }

  get #running() {
    if (this.#hosted) return this.#hosted;
    throw new ChinwagError('the server does not run: start it first', 'not_running');
  }
}

module.exports = { Server };
