'use strict';
// Runs a program's handlers and keeps what goes wrong in them away from everybody else.

const { EventEmitter } = require('node:events');
const { callListeners, describe } = require('./listeners.cjs');
const { setTimer } = require('./options.cjs');
const { Connection, Join, Message, REFUSE } = require('./requests.cjs');

const EVENTS = ['open', 'join', 'message', 'close'];
const FIELDS = 7; // of an event in the flat array
const DECISION_FIELDS = 6;
// What a client is told when a handler failed: text and code of the refusal.
const FAILED = ['the server failed', 'unavailable'];

/** The handlers of one server. `emitter` has them, `hosted` is the compiled server. */
class Dispatch {
  #emitter;
  #hosted;
  #busy = new Set();
  #warned = new Set(); // events whose listeners failed
  errors = 0;

  constructor(emitter, hosted) {
    this.#emitter = emitter;
    this.#hosted = hosted;
  }

  /** Serves a batch of events; the verdicts that are there at once go back together. */
  handle(events) {
    const decisions = [];
    for (let at = 0; at < events.length; at += FIELDS) {
      const [kind, place, generation, number, user, room, last] = events.slice(at, at + FIELDS);
      const connection = new Connection(this.#hosted, place, generation, user);
      const name = EVENTS[kind];
      if (name === 'open') {
        this.#tell(name, connection);
      } else if (name === 'close') {
        this.#tell(name, connection, last);
      } else {
        const request =
          name === 'join' ? new Join(connection, room) : new Message(connection, room, last);
        const head = [place, generation, number];
        const later = this.#decide(name, request);
        if (later === undefined) {
          decisions.push(...head);
          request._addTo(decisions);
        } else {
          this.#track(later.then(() => this.#send(head, request)));
        }
      }
    }
    if (decisions.length > 0) this.#sendAll(decisions);
  }

  /** Waits for the handlers that are at work now, until the deadline at most. */
  async finish(deadlineMs) {
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimer(resolve, deadlineMs);
    });
    await Promise.race([Promise.allSettled([...this.#busy]), late]);
    clearTimeout(timer);
  }

  /** Calls the handlers until one decides; a promise if the verdict comes later. */
  #decide(name, request) {
    const called = this.#emitter.rawListeners(name);
    for (let i = 0; i < called.length; ++i) {
      try {
        const outcome = called[i].call(this.#emitter, request);
        if (typeof outcome?.then === 'function') {
          return this.#decideLater(name, request, outcome, called.slice(i + 1));
        }
      } catch (error) {
        this.#failed(name, error, request);
        return undefined;
      }
      if (request._decided) return undefined;
    }
    return undefined;
  }

  async #decideLater(name, request, first, others) {
    try {
      await first;
      for (const handler of others) {
        if (request._decided) break;
        await handler.call(this.#emitter, request);
      }
    } catch (error) {
      this.#failed(name, error, request);
    }
  }

  #tell(name, ...given) {
    const failed = (error) => this.#count(name, error, given[0]);
    callListeners(this.#emitter, name, given, failed, (work) => this.#track(work));
  }

  #send(head, request) {
    const decision = [...head];
    request._addTo(decision);
    this.#sendAll(decision);
  }

  #sendAll(decisions) {
    try {
      this.#hosted.decide(decisions);
    } catch (error) {
      if (error.code === 'not_running') return;
      this.#sendEach(decisions);
    }
  }

  /** One of many verdicts is not valid: it alone becomes a refusal. */
  #sendEach(decisions) {
    for (let at = 0; at < decisions.length; at += DECISION_FIELDS) {
      const decision = decisions.slice(at, at + DECISION_FIELDS);
      try {
        this.#hosted.decide(decision);
      } catch (error) {
        if (error.code === 'not_running') return;
        this.#count('verdict', error, undefined);
        this.#refuse(decision.slice(0, 3));
      }
    }
  }

  #refuse(head) {
    try {
      this.#hosted.decide([...head, REFUSE, ...FAILED]);
    } catch (error) {
      this.#count('verdict', error, undefined);
    }
  }

  #failed(name, error, request) {
    if (!request._decided) request.refuse(...FAILED);
    this.#count(name, error, request);
  }

  // After the batch, so that everybody has their verdict first. What one client made fail must not
  // end the process for all others: without a listener for 'error' it is printed.
  #count(name, error, about) {
    ++this.errors;
    process.nextTick(() => {
      if (this.#emitter.listenerCount('error') > 0) {
        this.report(EventEmitter.errorMonitor, error, about);
        this.report('error', error, about);
      } else {
        console.error(`chinwag: a listener of '${name}' failed: ${describe(error)}`);
      }
    });
  }

  /** Emits what is not about a client's request. A listener of it that fails is worth a warning;
   * more of them would tell nothing new. */
  report(name, ...given) {
    const failed = (fault) => {
      ++this.errors;
      if (this.#warned.has(name)) return;
      this.#warned.add(name);
      const what = `a listener of '${String(name)}' failed, later ones are only counted`;
      process.emitWarning(`${what}: ${describe(fault)}`, 'ChinwagWarning');
    };
    callListeners(this.#emitter, name, given, failed);
  }

  #track(work) {
    this.#busy.add(work);
    const forget = () => this.#busy.delete(work);
    work.then(forget, forget);
  }
}

module.exports = { Dispatch, EVENTS };
