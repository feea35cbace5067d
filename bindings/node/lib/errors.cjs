'use strict';

/** Something that can't be done; `code` is the name that the core, Python and Node.js share. */
class ChinwagError extends Error {
  constructor(message, code) {
    super(message);
    this.name = 'ChinwagError';
    this.code = code;
  }
}

/** The connection is gone, or the client was closed. */
class ConnectionClosed extends ChinwagError {
  constructor(message = 'the connection is closed') {
    super(message, 'connection_closed');
    this.name = 'ConnectionClosed';
  }
}

/** A server answered a request with `error`; `code` is the one that it gave. */
class Refused extends ChinwagError {
  constructor(message, code) {
    super(message, code);
    this.name = 'Refused';
  }
}

/** Calls the compiled part and gives its errors their class. */
function translate(call) {
  try {
    return call();
  } catch (error) {
    if (typeof error.code !== 'string') throw error;
    if (error.code === 'connection_closed') throw new ConnectionClosed(error.message);
    throw new ChinwagError(error.message, error.code);
  }
}

module.exports = { ChinwagError, ConnectionClosed, Refused, translate };
