import { once } from 'node:events';
import { createServer } from 'node:net';

// Below the ephemeral range: a port from there an outgoing connection could have by the time that a
// server is started on it.
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** A port of 127.0.0.1 that could be bound just now. */
export async function freePort() {
  const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return freePort();
  }
  server.close();
  await once(server, 'close');
  return port;
}
