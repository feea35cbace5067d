// Variant `cluster`: one of several nodes, members of one room on all of them. What is said goes
// from node to node by Redis, whose address CHAT_BACKPLANE names.

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
  const health = () => ({
    pid: process.pid,
    workers: [process.pid],
    backplane: backplane.isUp ? 'up' : 'down',
  });
  return {
    chat: new ClusterChat(backplane),
    processes: health,
    end: (exit) => backplane.end().then(exit),
  };
});
