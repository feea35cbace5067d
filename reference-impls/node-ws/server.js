// chat/1 in Node.js: `ws` on a plain HTTP server, one process, one event loop.

import process from 'node:process';

import { fail, run } from './run.js';
import { readSettings } from './settings.js';

try {
  run(readSettings(process.env));
} catch (error) {
  fail(error.message);
}
