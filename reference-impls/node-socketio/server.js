// chat/1 in Node.js: Socket.IO on a plain HTTP server, one process, one event loop.

import { start } from './run.js';

start();
