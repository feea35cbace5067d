// Variant `coalesced`: messages wait for CHAT_WRITE_DELAY_MS, so that one write takes more of them.

import process from 'node:process';

import { batched } from './batch.js';
import { start } from './run.js';
import { readWriteDelay } from './settings.js';

start(() => {
  const delayMs = readWriteDelay(process.env);
  return batched((uncork) => setTimeout(uncork, delayMs));
});
