// Bun.serve calls listen(2) with a backlog of its own. Another call on the same socket changes it.

import { dlopen } from 'bun:ffi';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

const FD_FOLDER = '/proc/self/fd';
const LISTENING = '0A'; // TCP_LISTEN, as /proc/net/tcp writes it

const { symbols: libc } = dlopen('libc.so.6', {
  listen: { args: ['i32', 'i32'], returns: 'i32' },
});

/** Inodes of sockets that listen on this port, of any process. */
function listeningInodes(port) {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => {
    try {
      return readFileSync(table, 'utf8').split('\n').slice(1);
    } catch {
      return []; // a kernel without IPv6
    }
  });
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return fields
    .filter(([, local, , state]) => state === LISTENING && local.endsWith(`:${wanted}`))
    .map((field) => field[9]);
}

function linkOf(descriptor) {
  try {
    return readlinkSync(`${FD_FOLDER}/${descriptor}`);
  } catch {
    return ''; // the folder's own descriptor is closed by now
  }
}

/** Lets `backlog` connections wait to be accepted on this process's socket for `port`. */
export function listenAgain(port, backlog) {
  const links = new Set(listeningInodes(port).map((inode) => `socket:[${inode}]`));
  const sockets = readdirSync(FD_FOLDER).filter((descriptor) => links.has(linkOf(descriptor)));
  if (sockets.length === 0) throw new Error('its socket is not to be found in /proc');
  for (const socket of sockets) {
    if (libc.listen(Number(socket), backlog) !== 0) throw new Error('listen(2) failed');
  }
}
