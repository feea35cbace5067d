// Variant `tuned`: what waits for a connection at the end of a turn of the event loop is one write.

import { logged } from './logged_connection.js';
import { start } from './run.js';

// Not nextTick, which comes after the callback of one socket: an immediate comes after all of them.
start((settings) => logged(setImmediate, settings));
