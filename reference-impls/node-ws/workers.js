// chat/1 over several processes by `node:cluster`: the primary accepts for its workers and puts
// what their clients ask into one order; each worker serves its own connections.

import cluster from 'node:cluster';
import { closeSync, openSync } from 'node:fs';
import process from 'node:process';

import { OrderedChat } from './ordered_chat.js';
import { Primary } from './primary.js';
import { fail, failToListen, run } from './run.js';
import { readSettings, readWorkers } from './settings.js';

const ASK_AGAIN_MS = 100; // while descriptors are missing

function runPrimary() {
  const settings = readSettings(process.env);
  const primary = new Primary(settings, readWorkers(process.env));
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => primary.stop());
  process.on('SIGHUP', () => primary.replaceAll());
  primary.listen((error) => failToListen(settings, error));
}

/** Only with a descriptor for it. */
function askForSocket() {
  try {
    closeSync(openSync('/dev/null'));
    process.send({ free: true });
  } catch {
    setTimeout(askForSocket, ASK_AGAIN_MS).unref();
  }
}

function runWorker() {
  const chat = new OrderedChat(cluster.worker.id, (asked) => process.send({ asked }));
  let pids = null; // until every worker serves
  const listener = run(readSettings(process.env), {
    chat,
    processes: () => (pids === null ? null : { pid: process.ppid, workers: pids }),
  });
  process.on('message', ({ ordered = [], workers = pids }, socket) => {
    pids = workers;
    ordered.forEach((request) => chat.apply(request));
    if (!socket) return;
    listener.take(socket);
    askForSocket();
  });
  listener.serveTaken();
  process.send({ ready: true });
  askForSocket();
}

try {
  if (cluster.isPrimary) runPrimary();
  else runWorker();
} catch (error) {
  fail(error.message);
}
