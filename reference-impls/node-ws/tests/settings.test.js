import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readSettings } from '../settings.js';

test('an empty host is no host: it would be all interfaces', () => {
  assert.equal(readSettings({ CHAT_HOST: '' }).host, '127.0.0.1');
});
