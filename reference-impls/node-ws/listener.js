// The HTTP side: /health, the upgrade on /ws with its refusals, and the end of everything.

import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import process from 'node:process';

import { WebSocketServer } from 'ws';

import { Connection } from './connection.js';
import { userFromQuery } from './names.js';

const PAYLOAD_BYTES_MAX = 65_536;
const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

function health() {
  return JSON.stringify({
    status: 'ok',
    implementation: 'node-ws',
    version,
    pid: process.pid,
    workers: [process.pid],
  });
}

function answer(request, response) {
  const { pathname } = splitTarget(request.url);
  if (pathname === '/health') {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(health());
  } else if (pathname === '/ws') {
    response.writeHead(426, { Connection: 'Upgrade', Upgrade: 'websocket' }).end();
  } else {
    response.writeHead(404).end();
  }
}

/** Not the URL class: a target such as `//` would make it throw or take a host from the path. */
function splitTarget(target) {
  const mark = target.indexOf('?');
  return mark < 0
    ? { pathname: target, search: '' }
    : { pathname: target.slice(0, mark), search: target.slice(mark) };
}

function refuse(socket, status) {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

export class Listener extends EventEmitter {
  #connections = new Set();
  #http = createServer(answer);
  #webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: PAYLOAD_BYTES_MAX,
    // Without this `ws` would choose the first subprotocol offered.
    handleProtocols: () => false,
  });
  #chat;
  #liveness;

  constructor(chat, liveness) {
    super();
    this.#chat = chat;
    this.#liveness = liveness;
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#http.on('error', (error) => this.emit('error', error));
  }

  listen(port, host) {
    this.#http.listen(port, host);
  }

  /** Accepts nobody any more, closes everyone, and reports when the last one is gone. */
  stop(onStopped) {
    this.#http.close(onStopped);
    for (const connection of this.#connections) connection.closeForRestart();
  }

  #upgrade(request, socket, head) {
    const { pathname, search } = splitTarget(request.url);
    if (pathname !== '/ws') return refuse(socket, '404 Not Found');
    // `ws` would also accept version 8, a draft of the protocol.
    if (request.headers['sec-websocket-version'] !== '13') return refuse(socket, '400 Bad Request');
    const user = userFromQuery(search);
    if (user === null) return refuse(socket, '400 Bad Request');
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#open(webSocket, socket, user);
    });
  }

  #open(webSocket, socket, user) {
    const connection = new Connection(webSocket, user, this.#chat);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
    this.#liveness.watch(connection, socket);
  }
}
