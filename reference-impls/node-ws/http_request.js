// What node:http and ws leave open in a request's head.

import { ServerResponse } from 'node:http';

const SINGLE = ['sec-websocket-key', 'sec-websocket-version'];
// Who keeps its side open after a refusal is cut off.
const REFUSED_GRACE_MS = 1000;

/** A target without the scheme and the authority that a proxy is sent. */
export function originForm(target) {
  return target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?]*/i, '');
}

/** node:http would keep the first of several. */
export function hasOneHost({ headersDistinct }) {
  return headersDistinct.host?.length === 1;
}

/** Whether ws may take it from here: no value that is repeated, no body, which would be frames. */
export function isUpgrade(request) {
  const { headers, headersDistinct } = request;
  const isSingle = SINGLE.every((name) => headersDistinct[name]?.length === 1);
  const hasBody = 'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) !== 0;
  return hasOneHost(request) && isSingle && !hasBody;
}

/**
 * A client may offer several protocols. ws knows WebSocket only where it stands alone. False
 * without it: an Upgrade to what the server does not know is no upgrade (RFC 9110, 7.8).
 */
export function chooseWebSocket({ headers }) {
  const offers = (headers.upgrade ?? '').toLowerCase().split(',');
  if (!offers.some((offer) => offer.trim() === 'websocket')) return false;
  headers.upgrade = 'websocket';
  return true;
}

/** A response where node:http has an upgrade, and leaves its socket to the program. */
export function respond(request, socket) {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => socket.end());
  socket.on('error', () => socket.destroy());
  // Bytes that are not read would make the end a reset, by which a client may lose the response.
  socket.resume();
  setTimeout(() => socket.destroy(), REFUSED_GRACE_MS).unref();
  return response;
}
