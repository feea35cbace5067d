// Preloaded into the primary of workers.js: where a worker asks for something to be ordered,
// another one is dead before all of them are told, and its channel still counts as open.

import cluster from 'node:cluster';
import { readFileSync, readdirSync } from 'node:fs';
import process from 'node:process';

/** With its last thread its descriptors are closed; the event loop has not heard of it yet. */
function isDead(pid) {
  const isZombie = / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return isZombie && readdirSync(`/proc/${pid}/task`).length === 1;
}

if (cluster.isPrimary) {
  let isDone = false;
  cluster.on('message', (asking, { asked = [] }) => {
    if (isDone || asked.length === 0) return;
    isDone = true;
    const other = Object.values(cluster.workers).find((worker) => worker !== asking);
    other.process.kill('SIGKILL');
    while (!isDead(other.process.pid));
  });
}
