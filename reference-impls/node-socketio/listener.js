// The HTTP side: /health, Socket.IO on its own path, and the end of everything.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import process from 'node:process';

import { Server } from 'socket.io';
import { WebSocketServer } from 'ws';

import { limitBacklog } from './backlog.js';
import * as alone from './chat.js';
import { chooseWebSocket, hasOneHost, isUpgrade, originForm, respond } from './http_request.js';
import { isName } from './names.js';
import { serve } from './requests.js';

// A packet `42["type",{...}]` is three bytes shorter than the message {"type":"type",...}, of which
// 65,536 bytes are served.
const PACKET_BYTES_MAX = 65_536 - 3;
const PATH = '/socket.io/';
// Who does not end its side of a close is cut off then; `ws` would wait for 30 s.
const CLOSE_TIMEOUT_MS = 2000;
const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const HEALTH = {
  status: 'ok',
  implementation: 'node-socketio',
  version,
  pid: process.pid,
  workers: [process.pid],
};

const pathOf = (request) => originForm(request.url).split('?', 1)[0];

function answer(request, response, health) {
  if (!hasOneHost(request)) {
    response.writeHead(400).end();
  } else if (pathOf(request) === '/health') {
    const text = JSON.stringify({ ...HEALTH, ...health() });
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(text);
  } else {
    response.writeHead(404).end();
  }
}

/** Runs before Engine.IO, which would leave other paths without an answer. */
function prepare(request, socket, health) {
  request.url = originForm(request.url);
  const isOffered = chooseWebSocket(request);
  if (pathOf(request) === PATH) return;
  const response = respond(request, socket);
  if (isOffered) response.writeHead(404).end();
  else answer(request, response, health);
}

/** Connections that are somebody: Socket.IO looks for a second CONNECT behind all middleware. */
const admitted = new WeakSet();

/** The user is named by the CONNECT packet's auth; who names none gets a name. */
function admit(socket, next) {
  const user = socket.handshake.auth.user || randomUUID();
  if (!isName(user) || admitted.has(socket.conn)) return next(new Error('bad_request'));
  admitted.add(socket.conn);
  socket.data.user = user;
  next();
}

/** Engine.IO has no option for it. */
class ImpatientWebSocketServer extends WebSocketServer {
  constructor(options) {
    super({ ...options, closeTimeout: CLOSE_TIMEOUT_MS });
  }
}

function engineOptions({ pingIntervalMs, idleTimeoutMs }) {
  return {
    path: PATH,
    transports: ['websocket'],
    serveClient: false,
    wsEngine: ImpatientWebSocketServer,
    destroyUpgrade: false,
    allowRequest: (request, answered) => answered(null, isUpgrade(request)),
    maxHttpBufferSize: PACKET_BYTES_MAX,
    pingInterval: pingIntervalMs,
    // Counts from a ping that is not answered: from the last sign of life it is the idle timeout.
    pingTimeout: Math.max(idleTimeoutMs - pingIntervalMs, 1),
  };
}

export class Listener {
  #http;
  #io;
  #chat;

  /**
   * `onConnection` is called with each connection of Engine.IO, `adapt` with Socket.IO's server;
   * `health` says more of it.
   */
  constructor(
    settings,
    {
      onConnection = (connection) => limitBacklog(connection),
      adapt = () => {},
      chat = alone,
      health = () => ({}),
    },
  ) {
    this.#chat = chat;
    this.#http = createServer((request, response) => answer(request, response, health));
    this.#http.on('upgrade', (request, socket) => prepare(request, socket, health));
    this.#io = new Server(this.#http, engineOptions(settings));
    adapt(this.#io);
    this.#io.engine.on('connection', onConnection);
    this.#io.use(admit);
    this.#io.on('connection', (socket) => this.#welcome(socket));
  }

  /** `fd` is a listening socket, taken in place of host and port. */
  listen({ fd, host, port, backlog }, onError) {
    this.#http.on('error', onError);
    this.#http.listen({ fd, host, port, backlog }, backlog);
  }

  /** Accepts nobody any more, closes everyone, and reports when the last one is gone. */
  stop(onStopped) {
    this.#io.close(onStopped);
  }

  #welcome(socket) {
    socket.on('disconnecting', () => this.#chat.depart(socket));
    serve(this.#io, socket, this.#chat.verbs);
    this.#chat.arrive(socket);
  }
}
