'use strict';

const { Backoff } = require('./lib/backoff.cjs');
const { Client } = require('./lib/client.cjs');
const { ChinwagError, ConnectionClosed, Refused } = require('./lib/errors.cjs');
const { version } = require('./lib/native.cjs');
const { Connection, Join, Message } = require('./lib/requests.cjs');
const { Server } = require('./lib/server.cjs');

module.exports = {
  Backoff,
  ChinwagError,
  Client,
  Connection,
  ConnectionClosed,
  Join,
  Message,
  Refused,
  Server,
  version,
};
