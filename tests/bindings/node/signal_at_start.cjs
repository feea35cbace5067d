'use strict';
// Loaded before a program: sends it SIGNAL_AT_START the moment its server's port is bound.

const { Server } = require('chinwag');

const { start } = Server.prototype;

Server.prototype.start = function () {
  const started = start.call(this);
  process.kill(process.pid, process.env.SIGNAL_AT_START);
  return started;
};
