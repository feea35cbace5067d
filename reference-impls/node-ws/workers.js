// chat/1 over several processes by `node:cluster`: the primary accepts for its workers and puts
// what their clients ask into one order; each worker serves its own connections.

import cluster from 'node:cluster';
import process from 'node:process';

import { OrderedChat } from './ordered_chat.js';
import { Primary } from './primary.js';
import { fail, run } from './run.js';
import { readSettings, readWorkers } from './settings.js';

function runPrimary() {
  const primary = new Primary(readWorkers(process.env));
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => primary.stop());
}

function runWorker() {
  const chat = new OrderedChat(cluster.worker.id, (asked) => process.send({ asked }));
  let pids = null; // until every worker listens
  process.on('message', ({ ordered = [], workers = pids }) => {
    pids = workers;
    ordered.forEach((request) => chat.apply(request));
  });
  process.send({ ready: true });
  run(readSettings(process.env), {
    chat,
    processes: () => (pids === null ? null : { pid: process.ppid, workers: pids }),
  });
}

try {
  if (cluster.isPrimary) runPrimary();
  else runWorker();
} catch (error) {
  fail(error.message);
}
