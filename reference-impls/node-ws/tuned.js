// Variant `tuned`: what goes to one connection within a turn of the event loop is written at once.

import { batched } from './batch.js';
import { start } from './run.js';

// Not nextTick, which comes after the callback of one socket: an immediate comes after all of them.
start(() => batched(setImmediate));
