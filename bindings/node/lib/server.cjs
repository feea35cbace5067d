'use strict';

const { EventEmitter } = require('node:events');
const native = require('./native.cjs');
const { Dispatch, EVENTS } = require('./dispatch.cjs');
const { ChinwagError, translate } = require('./errors.cjs');
const { throwLater } = require('./listeners.cjs');
const { readOptions } = require('./options.cjs');
const { Connection, PROGRAM_NAME } = require('./requests.cjs');
const { checkContent, checkDeadline, checkName, typeOf } = require('./texts.cjs');

// What is left of a deadline for closing connections, and then for listeners of 'close', at least.
const LEFT_MS_MIN = 250;
// The core takes 32 bits of milliseconds: 49 days.
const DEADLINE_MS_MAX = 2 ** 32 - 1;

/** Calls what may throw; then it is uncaught, as it would be, but whoever is next is called. */
function guarded(call) {
  try {
    call();
  } catch (error) {
    throwLater(error);
  }
}

// The running servers of this environment; whenever one of them has something, all are asked. They
// are kept with the compiled part, which there is once: a tool that loads modules anew (a
// development server, a test runner) gets another copy of this file.
if (!native.running) {
  const running = new Set();
  native.running = running;
  native.onWake(() => {
    for (const take of running) guarded(take);
  });
}
const { running } = native;

/** A chat/1 server on a thread of its own; see index.d.ts. */
class Server extends EventEmitter {
  #options;
  #hosted;
  #wanted; // events that the compiled server tells of, once it has started
  #dispatch;
  #port;
  #drained;
  #gone; // tells the drain that the server has ended
  #later = false; // the rest is taken in the loop's next turn
  #take = () => {
    if (this.#later) return;
    this.#dispatch.handle(this.#hosted.take());
    if (this.#hosted.hasMore()) {
      this.#later = true;
      setImmediate(() => {
        this.#later = false;
        guarded(this.#take);
      });
    }
    for (const { warning, text } of this.#hosted.takeLogs()) {
      this.#dispatch.report('log', text, warning);
    }
    if (this.#hosted.hasEnded()) this.#gone?.();
  };

  constructor(options = {}) {
    super();
    const given = readOptions(options, '{ port: 4000 }');
    for (const name of Object.keys(given)) given[name] = String(given[name]);
    translate(() => native.checkOptions(given));
    this.#options = given;
  }

  on(name, listener) {
    this.#checkWanted(name);
    return super.on(name, listener);
  }

  addListener(name, listener) {
    return this.on(name, listener);
  }

  prependListener(name, listener) {
    this.#checkWanted(name);
    return super.prependListener(name, listener);
  }

  async start() {
    if (this.#hosted) {
      throw new ChinwagError('a server starts once: make a new one', 'already_running');
    }
    const wanted = EVENTS.filter((name) => this.listenerCount(name) > 0);
    const hosted = translate(() => new native.Hosted(this.#options, wanted));
    this.#port = translate(() => hosted.start());
    this.#hosted = hosted;
    this.#wanted = wanted;
    this.#dispatch = new Dispatch(this, hosted);
    running.add(this.#take);
    return this;
  }

  async drain(deadlineMs = 5000) {
    checkDeadline('the deadline', deadlineMs);
    if (!this.#hosted) return;
    this.#drained ??= this.#end(deadlineMs);
    await this.#drained;
  }

  async #end(deadlineMs) {
    const end = performance.now() + deadlineMs;
    const leftMs = () => Math.max(LEFT_MS_MIN, end - performance.now());
    // Whoever comes now goes to a successor, while handlers that are at work give their verdicts.
    this.#hosted.stopAccepting();
    await this.#dispatch.finish(deadlineMs);
    const gone = new Promise((resolve) => (this.#gone = resolve));
    try {
      translate(() => this.#hosted.drain(Math.min(leftMs(), DEADLINE_MS_MAX)));
    } catch (error) {
      this.#drained = undefined; // it may be tried again
      throw error;
    }
    await gone;
    do {
      this.#later = false;
      this.#take();
    } while (this.#hosted.hasMore());
    await this.#dispatch.finish(leftMs());
    running.delete(this.#take);
    this.#hosted.letGo();
    this.#dispatch.report('end');
  }

  publish(room, content, user = PROGRAM_NAME) {
    checkName('room', room);
    checkContent('content', content);
    checkName('user', user);
    translate(() => this.#running.publish(room, content, user));
  }

  sendTo(user, content, sender = PROGRAM_NAME) {
    checkName('user', user);
    checkContent('content', content);
    checkName('sender', sender);
    translate(() => this.#running.sendTo(user, content, sender));
  }

  close(connection, code = 1000) {
    if (!(connection instanceof Connection)) {
      throw new TypeError(`connection is one that a handler was given, not ${typeOf(connection)}`);
    }
    return connection.close(code);
  }

  get rooms() {
    const flat = translate(() => this.#running.rooms());
    const sizes = new Map();
    for (let at = 0; at < flat.length; at += 2) sizes.set(flat[at], flat[at + 1]);
    return sizes;
  }

  members(room) {
    checkName('room', room);
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
    return `ws://${host.includes(':') ? `[${host}]` : host}:${this.port}/ws`;
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.drain();
  }

  #checkWanted(name) {
    if (!this.#hosted || !EVENTS.includes(name) || this.#wanted.includes(name)) return;
    throw new ChinwagError('register handlers before the server starts', 'already_running');
  }

  get #running() {
    if (this.#hosted) return this.#hosted;
    throw new ChinwagError('the server does not run: start it first', 'not_running');
  }
}

module.exports = { Server };
