// Requests that become no WebSocket: they go on to the server, and its answers come back.

import { Buffer } from 'node:buffer';
import { request as ask } from 'node:http';
import process from 'node:process';
import { pipeline } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { HOST } from './backend.js';
import { hasOneHost, headersBack, headersOnward, originForm } from './http_request.js';

const BAD_REQUEST = 400;
const BAD_GATEWAY = 502;
const OK = 200;

/** Passes a request on. `port` is the server's. */
export function passOn(request, response, port) {
  if (!hasOneHost(request)) return response.writeHead(BAD_REQUEST).end();
  const path = originForm(request.url);
  const options = { host: HOST, port, path, method: request.method, agent: false };
  const upstream = ask({ ...options, headers: headersOnward(request) });
  const pass = isHealth(request, path) ? passHealth : passBack;
  upstream.on('response', (answer) => pass(answer, response));
  upstream.on('error', () => {
    // A server may refuse a body that still comes: its answer was there before.
    if (!response.headersSent) response.writeHead(BAD_GATEWAY).end();
  });
  // A client that leaves has no use for the answer.
  response.once('close', () => upstream.destroy());
  request.pipe(upstream);
}

export function passBack(answer, response) {
  response.writeHead(answer.statusCode, headersBack(answer));
  // An answer that breaks off is one that breaks off here, too.
  pipeline(answer, response, () => {});
}

function isHealth({ method }, path) {
  return method === 'GET' && /^\/health(\?|$)/.test(path);
}

/** The gateway is the process that was started, and one of those that serve. */
async function passHealth(answer, response) {
  if (answer.statusCode !== OK) return passBack(answer, response);
  const health = JSON.parse(await buffer(answer));
  const workers = [process.pid, ...health.workers];
  const text = Buffer.from(JSON.stringify({ ...health, pid: process.pid, workers }));
  response.writeHead(OK, { ...headersBack(answer), 'content-length': text.length }).end(text);
}
