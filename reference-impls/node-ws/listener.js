// The HTTP side: /health, the upgrade on /ws with its refusals, and the end of everything.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import process from 'node:process';

import { WebSocketServer } from 'ws';

import { Chat } from './chat.js';
import { ChatWebSocket, Connection } from './connection.js';
import { chooseWebSocket, hasOneHost, isUpgrade, originForm, respond } from './http_request.js';
import { keepAlive } from './liveness.js';
import { userFromQuery } from './names.js';

const PAYLOAD_BYTES_MAX = 65_536;
// Who does not end its side of a close is cut off then; `ws` would wait for 30 s.
const CLOSE_TIMEOUT_MS = 2000;
const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/** Processes that serve: `workers` says so where there are several, and null until all do. */
const alone = () => ({ pid: process.pid, workers: [process.pid] });
const plain = (...parts) => new Connection(...parts);

/** Not the URL class: a target such as `//` would make it throw or take a host from the path. */
function splitTarget(url) {
  const target = originForm(url);
  const mark = target.indexOf('?');
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}

function answerHealth(response, processes) {
  if (processes === null) {
    response.writeHead(503).end();
    return;
  }
  const health = { status: 'ok', implementation: 'node-ws', version, ...processes };
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(health));
}

function answer(request, response, processes) {
  const [path] = splitTarget(request.url);
  if (!hasOneHost(request)) {
    response.writeHead(400).end();
  } else if (path === '/health') {
    answerHealth(response, processes());
  } else {
    response.writeHead(path === '/ws' ? 426 : 404).end();
  }
}

export class Listener {
  #chat;
  #connect;
  #connections = new Set();
  #http;
  #answer;
  #isStopping = false;
  #onStopped = null;
  #webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: PAYLOAD_BYTES_MAX,
    closeTimeout: CLOSE_TIMEOUT_MS,
    // Any number of fragments: `ws` keeps no empty ones, and maxPayload bounds the rest.
    maxFragments: 0,
    // `ws` would cut off who sends 60 pings at once, and reads: connections answer.
    autoPong: false,
    // Without this `ws` would choose the first subprotocol offered.
    handleProtocols: () => false,
    WebSocket: ChatWebSocket,
  });

  constructor(settings, parts) {
    const { chat = new Chat(settings.work), connect = plain, processes = alone } = parts;
    this.#chat = chat;
    this.#connect = connect;
    this.#answer = (request, response) => answer(request, response, processes);
    this.#http = createServer(this.#answer);
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    keepAlive(this.#connections, settings);
  }

  /** `fd` is a listening socket, taken in place of host and port. */
  listen({ fd, host, port, backlog }, onError) {
    this.#http.on('error', onError);
    this.#http.listen({ fd, host, port, backlog }, backlog);
  }

  /**
   * Serves sockets that another process accepts. Where it hears that it listens, node:http begins
   * to look for requests that do not come to their end.
   */
  serveTaken() {
    this.#http.emit('listening');
  }

  /** A socket as node:http's own are: its peer may end its side, and still be answered. */
  take(socket) {
    socket.allowHalfOpen = true;
    this.#http.emit('connection', socket);
    socket.resume();
  }

  /** Accepts nobody any more, closes everyone, and reports when the last one is gone. */
  stop(onStopped) {
    this.#isStopping = true;
    // Sockets that another process has accepted are not counted there.
    this.#http.close(() => {
      this.#onStopped = onStopped;
      this.#stopIfAlone();
    });
    for (const connection of this.#connections) connection.close(1012, 'Server going away');
  }

  #stopIfAlone() {
    if (this.#connections.size === 0) this.#onStopped?.();
  }

  #upgrade(request, socket, head) {
    if (!chooseWebSocket(request)) return this.#answer(request, respond(request, socket));
    const [path, query] = splitTarget(request.url);
    if (path !== '/ws') return respond(request, socket).writeHead(404).end();
    const user = userFromQuery(query);
    // `ws` would also accept version 8, a draft of the protocol.
    const isOfVersion = request.headers['sec-websocket-version'] === '13';
    if (!isUpgrade(request) || !isOfVersion || user === null) {
      return respond(request, socket).writeHead(400).end();
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = this.#connect(webSocket, socket, user, this.#chat);
      this.#connections.add(connection);
      this.#chat.connect(connection);
      // It was on its way when the others were closed.
      if (this.#isStopping) connection.close(1012, 'Server going away');
      socket.once('close', () => {
        this.#connections.delete(connection);
        this.#stopIfAlone();
      });
    });
  }
}
