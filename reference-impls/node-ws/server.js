// chat/1 in Node.js: `ws` on a plain HTTP server, one process, one event loop.

import { start } from './run.js';

start();
