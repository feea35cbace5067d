// Variant `cluster`: one of several nodes, members of one room on all of them, by Socket.IO's own
// adapter for Redis, whose address CHAT_BACKPLANE names.

import process from 'node:process';

import { start } from '../run.js';
import { Backplane } from './backplane.js';
import { ClusterChat } from './chat.js';

function readUrl({ CHAT_BACKPLANE: url = '' }) {
  if (/^rediss?:\/\/[^/]/.test(url)) return url;
  throw new Error(`CHAT_BACKPLANE is ${JSON.stringify(url)}: give redis://HOST:PORT`);
}

start(() => {
  const backplane = new Backplane(readUrl(process.env));
  const chat = new ClusterChat(backplane);
  return {
    chat,
    adapt: (io) => backplane.adapt(io),
    health: () => ({ backplane: backplane.isUp ? 'up' : 'down' }),
    end: (exit) => chat.settled().then(exit),
  };
});
