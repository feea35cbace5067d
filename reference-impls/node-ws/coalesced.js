// Variant `coalesced`: messages wait for CHAT_WRITE_DELAY_MS, so that one write takes more of them.

import process from 'node:process';

import { logged } from './logged_connection.js';
import { start } from './run.js';
import { readWriteDelay } from './settings.js';

start((settings) => {
  const delayMs = readWriteDelay(process.env);
  return logged((write) => setTimeout(write, delayMs), settings);
});
