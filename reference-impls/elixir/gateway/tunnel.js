// One client's WebSocket, and the one to the server that stands for it.

import { WebSocket } from 'ws';

// What may wait for a client that does not read (L4).
const PENDING_BYTES_MAX = 1024 * 1024;
// A client is not read while more than this waits, for the server or for itself.
const BEHIND_BYTES_MAX = 256 * 1024;
// Nor while so many of its pings are not answered: short frames take ten times their bytes.
const PINGS_UNDER_WAY_MAX = 64;
// A slow consumer is likely not to read its close frame either: after this it is reset.
const SLOW_CONSUMER_GRACE_MS = 1000;
// Who has ended its side and does not read what it asked for is cut off when nothing moves.
const ENDED_GRACE_MS = 10_000;
const NO_CODE = 1005;
const NO_CLOSE = 1006;

/**
 * `ws` begins to close by itself: for faults (1002, 1009), and to answer a close of the client's.
 * The tunnel sends these frames, once the server has answered all that came before.
 */
export class ClientSocket extends WebSocket {
  tunnel;

  close(code, reason) {
    // The client has answered.
    if (this.readyState !== this.OPEN) super.close(code, reason);
    // Only a fault has a code alone.
    else if (code !== undefined && reason === undefined) this.tunnel.onFault(code);
    else this.tunnel.onClientClose(code, reason);
  }

  sendClose(code, reason) {
    super.close(code, reason);
  }
}

/** Takes an event's listeners away, and returns what calls them. */
function takeListeners(emitter, event) {
  const listeners = emitter.listeners(event);
  emitter.removeAllListeners(event);
  return () => listeners.forEach((listener) => listener.call(emitter));
}

export class Tunnel {
  #client;
  #clientTcp;
  #upstream;
  #isHeard = true; // until the client has closed, or has sent what is no frame
  #fault = null; // the code of a close that the gateway owes the client
  #hasClientEnded = false;
  #endOfWs;
  #pingsUnderWay = 0;

  /** Both WebSockets are open; each comes with its TCP connection. */
  constructor(client, clientTcp, upstream, upstreamTcp) {
    this.#client = client;
    this.#clientTcp = clientTcp;
    this.#upstream = upstream;
    client.tunnel = this;
    client.on('message', (data, isBinary) => this.#toServer('send', data, { binary: isBinary }));
    client.on('ping', (payload) => this.#onClientPing(payload));
    client.on('pong', (payload) => this.#toServer('pong', payload));
    client.on('close', () => upstream.close());
    upstream.on('message', (data, isBinary) => this.#toClient('send', data, { binary: isBinary }));
    upstream.on('ping', (payload) => this.#toClient('ping', payload));
    upstream.on('pong', (payload) => this.#onServerPong(payload));
    upstream.on('close', (code, reason) => this.#onServerClose(code, reason));
    for (const tcp of [clientTcp, upstreamTcp]) tcp.on('drain', () => this.#resume());
    // A close follows each error.
    for (const webSocket of [client, upstream]) webSocket.on('error', () => {});
    // `ws` ends its own side as soon as it hears that the client's has ended: it hears of it late.
    this.#endOfWs = takeListeners(clientTcp, 'end');
    clientTcp.once('end', () => this.#onClientEnd());
  }

  /** What `ws` refuses. The answers to what came before it come before the close. */
  onFault(code) {
    this.#fault = code;
    this.#leave();
  }

  /** The server's answer is the client's. */
  onClientClose(code, reason) {
    this.#leave(code, reason);
  }

  /** Nothing more of the client goes on. The server answers what it has, and then this close. */
  #leave(...close) {
    this.#isHeard = false;
    this.#upstream.close(...close);
  }

  /** The client may still read: the answers to what it has asked come before the end. */
  #onClientEnd() {
    this.#hasClientEnded = true;
    if (this.#upstream.readyState === WebSocket.CLOSED) this.#end();
    else this.#leave();
  }

  #end() {
    if (this.#clientTcp.destroyed) return;
    this.#clientTcp.setTimeout(ENDED_GRACE_MS, () => this.#clientTcp.destroy());
    this.#endOfWs();
  }

  #toServer(verb, ...what) {
    if (!this.#isHeard || this.#upstream.readyState !== WebSocket.OPEN) return;
    this.#upstream[verb](...what);
    this.#pauseIfBehind();
  }

  #onClientPing(payload) {
    if (this.#isHeard) this.#pingsUnderWay += 1;
    this.#toServer('ping', payload);
  }

  /** A server that has ended answers no more pings: its close is near. */
  #onServerPong(payload) {
    this.#pingsUnderWay -= 1;
    this.#toClient('pong', payload);
    this.#resume();
  }

  #toClient(verb, ...what) {
    if (this.#client.readyState !== WebSocket.OPEN) return;
    this.#client[verb](...what);
    if (this.#client.bufferedAmount > PENDING_BYTES_MAX) this.#closeSlow();
    else this.#pauseIfBehind();
  }

  get #isBehind() {
    const bytes = Math.max(this.#client.bufferedAmount, this.#upstream.bufferedAmount);
    return bytes > BEHIND_BYTES_MAX || this.#pingsUnderWay > PINGS_UNDER_WAY_MAX;
  }

  #pauseIfBehind() {
    if (!this.#client.isPaused && this.#isBehind) this.#client.pause();
  }

  #resume() {
    if (this.#client.isPaused && !this.#isBehind) this.#client.resume();
  }

  /** Nothing more is to wait for it. The server tells the others that it has left. */
  #closeSlow() {
    this.#client.sendClose(1013, 'Slow consumer');
    this.#client.resume();
    this.#leave();
    setTimeout(() => this.#client.terminate(), SLOW_CONSUMER_GRACE_MS).unref();
  }

  #onServerClose(code, reason) {
    const client = this.#client;
    this.#isHeard = false;
    if (client.isPaused) client.resume();
    if (client.readyState === WebSocket.OPEN) {
      const says = code !== NO_CODE && code !== NO_CLOSE;
      if (this.#fault !== null && !says) client.sendClose(this.#fault);
      else if (code === NO_CLOSE) this.#end();
      else if (says) client.sendClose(code, reason);
      else if (!this.#hasClientEnded) client.sendClose();
    }
    if (this.#hasClientEnded) this.#end();
  }
}
