// What node:http and ws leave open in a request's head.

const SINGLE = ['sec-websocket-key', 'sec-websocket-version'];

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

/** A client may offer several protocols. ws knows WebSocket only where it stands alone. */
export function chooseWebSocket({ headers }) {
  const offers = (headers.upgrade ?? '').toLowerCase().split(',');
  if (offers.some((offer) => offer.trim() === 'websocket')) headers.upgrade = 'websocket';
}
