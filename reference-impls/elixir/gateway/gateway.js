// The HTTP side: a WebSocket to the server for each that a client asks for, and the end of all.

import { createServer } from 'node:http';

import { WebSocket, WebSocketServer } from 'ws';

import { HOST } from './backend.js';
import {
  chooseWebSocket,
  headersOnward,
  isUpgrade,
  originForm,
  respond,
} from './http_request.js';
import { passBack, passOn } from './plain_http.js';
import { ClientSocket, Tunnel } from './tunnel.js';

const PAYLOAD_BYTES_MAX = 65_536;
// Who does not end its side of a close is cut off then; `ws` would wait for 30 s.
const CLOSE_TIMEOUT_MS = 2000;
// The server may have much to answer before a close.
const UPSTREAM_CLOSE_TIMEOUT_MS = 5000;
const HANDSHAKE_TIMEOUT_MS = 5000;
const BAD_REQUEST = 400;
const UNAVAILABLE = 503;

const SHARED = {
  perMessageDeflate: false,
  // Any number of fragments: `ws` keeps no empty ones, and maxPayload bounds the rest.
  maxFragments: 0,
  // Pings and pongs go on: the server is told that its clients live by their pongs.
  autoPong: false,
  // The server looks at the text that a client sends, and what it sends itself is UTF-8.
  skipUTF8Validation: true,
};

const OF_UPSTREAM = {
  ...SHARED,
  closeTimeout: UPSTREAM_CLOSE_TIMEOUT_MS,
  handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  // A mask is for proxies that take a client's bytes for HTTP: there is none in between. `ws` does
  // no work for a key of zeros.
  generateMask: (key) => key.fill(0),
};

export class Gateway {
  #port;
  #http;
  #sockets = new Set();
  #onLeft = null;
  #webSockets = new WebSocketServer({
    ...SHARED,
    noServer: true,
    clientTracking: false,
    maxPayload: PAYLOAD_BYTES_MAX,
    closeTimeout: CLOSE_TIMEOUT_MS,
    // The server chooses no subprotocol; `ws` would choose the first that is offered.
    handleProtocols: () => false,
    WebSocket: ClientSocket,
  });

  /** `port` is the server's. */
  constructor(port) {
    this.#port = port;
    this.#http = createServer((request, response) => passOn(request, response, port));
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  listen({ host, port, backlog }, onError) {
    this.#http.on('error', onError);
    this.#http.listen({ host, port, backlog });
  }

  /** Accepts nobody any more, and reports when the last WebSocket is gone. Closes none. */
  stop(onLeft) {
    this.#onLeft = onLeft;
    this.#http.close();
    this.#reportIfAlone();
  }

  #reportIfAlone() {
    if (this.#sockets.size === 0) this.#onLeft?.();
  }

  #upgrade(request, socket, head) {
    if (!chooseWebSocket(request)) return passOn(request, respond(request, socket), this.#port);
    if (!isUpgrade(request)) return respond(request, socket).writeHead(BAD_REQUEST).end();
    this.#hold(socket);
    const upstream = this.#connect(request);
    // Whoever leaves meanwhile, and whatever fails: the other of the two ends, too.
    const leave = () => upstream.terminate();
    const refuse = () => {
      if (!socket.destroyed) respond(request, socket).writeHead(UNAVAILABLE).end();
    };
    const decide = () => {
      socket.off('close', leave).off('error', leave);
      upstream.off('error', refuse).on('error', () => {});
    };
    socket.on('close', leave).on('error', leave);
    upstream.on('error', refuse);
    upstream.once('unexpected-response', (asked, answer) => {
      decide();
      passBack(answer, respond(request, socket));
      socket.once('close', () => asked.destroy());
    });
    let upstreamTcp;
    upstream.once('upgrade', (answer) => (upstreamTcp = answer.socket));
    // The server's first messages may have come with its answer: nothing waits from here on.
    upstream.once('open', () => {
      decide();
      this.#accept(request, socket, head, upstream, upstreamTcp);
    });
  }

  #accept(request, socket, head, upstream, upstreamTcp) {
    let tunnel = null;
    this.#webSockets.handleUpgrade(request, socket, head, (client) => {
      tunnel = new Tunnel(client, socket, upstream, upstreamTcp);
    });
    if (tunnel === null) upstream.terminate();
  }

  #hold(socket) {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#reportIfAlone();
    });
  }

  /** The target goes on as it came: a URL would be written anew. */
  #connect(request) {
    return new WebSocket(`ws://${HOST}:${this.#port}`, {
      ...OF_UPSTREAM,
      headers: headersOnward(request),
      finishRequest: (asked) => {
        asked.path = originForm(request.url);
        asked.end();
      },
    });
  }
}
