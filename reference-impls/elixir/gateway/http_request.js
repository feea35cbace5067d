// What of a request's head is the gateway's own business, and what goes on to the server.

import { ServerResponse } from 'node:http';

const SINGLE = ['sec-websocket-key', 'sec-websocket-version'];
// A connection's own (RFC 9110, 7.6.1). How a body is framed goes along with it: without that, node
// would write the body behind the head as it is.
const OF_ONE_CONNECTION = ['connection', 'keep-alive', 'te', 'upgrade'];
const OF_ONE_HANDSHAKE = [...SINGLE, 'sec-websocket-extensions'];
// Who keeps its side open after a refusal is cut off.
const REFUSED_GRACE_MS = 1000;

/** A target without the scheme and the authority that a proxy is sent. */
export function originForm(target) {
  const path = target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?]*/i, '');
  return path.startsWith('/') || path === '*' ? path : `/${path}`;
}

/** node:http would keep the first of several. */
export function hasOneHost({ headersDistinct }) {
  return headersDistinct.host?.length === 1;
}

/** Whether ws may take it: of this version, no value repeated, no body, which would be frames. */
export function isUpgrade(request) {
  const { headers, headersDistinct, method } = request;
  const isSingle = SINGLE.every((name) => headersDistinct[name]?.length === 1);
  const hasBody = 'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) !== 0;
  const isOfVersion = headers['sec-websocket-version'] === '13';
  const hasKey = /^[+/\dA-Za-z]{22}==$/.test(headers['sec-websocket-key']);
  return method === 'GET' && hasOneHost(request) && isSingle && !hasBody && isOfVersion && hasKey;
}

/**
 * A client may offer several protocols. ws knows WebSocket only where it stands alone. False
 * without it: an Upgrade to what the gateway does not know is no upgrade (RFC 9110, 7.8).
 */
export function chooseWebSocket({ headers }) {
  const offers = (headers.upgrade ?? '').toLowerCase().split(',');
  if (!offers.some((offer) => offer.trim() === 'websocket')) return false;
  headers.upgrade = 'websocket';
  return true;
}

/** What goes on, with the client's address behind those of the proxies before this one. */
export function headersOnward({ headersDistinct, socket }) {
  const forwarded = [...(headersDistinct['x-forwarded-for'] ?? []), socket.remoteAddress];
  const kept = endToEnd(headersDistinct, [...OF_ONE_CONNECTION, ...OF_ONE_HANDSHAKE]);
  return { ...kept, 'x-forwarded-for': forwarded.join(', ') };
}

/** What of an answer comes back. */
export function headersBack({ headersDistinct }) {
  return endToEnd(headersDistinct, OF_ONE_CONNECTION);
}

function endToEnd(headers, left) {
  // `Connection` names further ones that are for its two ends alone.
  const named = (headers.connection ?? []).join().toLowerCase().split(',');
  const out = new Set([...left, ...named.map((name) => name.trim())]);
  const kept = Object.entries(headers).filter(([name]) => !out.has(name));
  // node:http wants a text where a field has one line.
  const fields = kept.map(([name, lines]) => [name, lines.length > 1 ? lines : lines[0]]);
  return Object.fromEntries(fields);
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
