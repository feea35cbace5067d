'use strict';
// Calls a program's listeners so that what goes wrong in one of them stays there.

const { inspect } = require('node:util');

/** An error for people. One of a program's own may fail at that, too. */
function describe(error) {
  try {
    return inspect(error);
  } catch {
    return 'an error that can not be shown';
  }
}

/** Throws an error where nobody's work is in the way of it: it is uncaught, as it would be. */
function throwLater(error) {
  process.nextTick(() => {
    throw error;
  });
}

/**
 * Calls all listeners of an event; `failed` gets what one throws or rejects with, `track` the
 * promise of one that is still at work.
 */
function callListeners(emitter, name, given, failed, track = () => {}) {
  for (const listener of emitter.rawListeners(name)) {
    try {
      const outcome = listener.apply(emitter, given);
      if (typeof outcome?.then === 'function') track(Promise.resolve(outcome).catch(failed));
    } catch (error) {
      failed(error);
    }
  }
}

/** Calls all listeners of an event. What one throws is uncaught, but holds up nobody. */
function tell(emitter, name, ...given) {
  for (const listener of emitter.rawListeners(name)) {
    try {
      listener.apply(emitter, given);
    } catch (error) {
      throwLater(error);
    }
  }
}

module.exports = { callListeners, describe, tell, throwLater };
