// Variant `tuned`: Socket.IO's own advice, and one write for each turn of the event loop.

import { batch } from './batch.js';
import { start } from './run.js';

start(() => ({ onConnection: batch }));
