// chat/1 in Node.js: `ws` on a plain HTTP server, one process, one event loop.

import process from 'node:process';

import { fail, failToListen, run } from './run.js';
import { readSettings } from './settings.js';

try {
  const settings = readSettings(process.env);
  run(settings).listen(settings, (error) => failToListen(settings, error));
} catch (error) {
  fail(error.message);
}
