// The HTTP side: /health, the upgrade on /ws with its refusals, and the end of everything.

import { listenAgain } from './backlog.js';
import { Chat } from './chat.js';
import { Connections, newcomer } from './connections.js';
import { userFromQuery } from './names.js';
import { version } from './package.json';

const HEALTH = {
  status: 'ok',
  implementation: 'bun',
  version,
  pid: process.pid,
  workers: [process.pid],
};

const refuse = (status) => new Response(null, { status });

const members = (list) => (list ?? '').toLowerCase().split(',').map((member) => member.trim());

/** What Bun leaves open. It joins values that come several times by commas. */
function isUpgrade({ headers }) {
  const hasBody = headers.has('transfer-encoding') || Number(headers.get('content-length')) !== 0;
  const isWanted = members(headers.get('connection')).includes('upgrade');
  return isWanted && headers.get('sec-websocket-version') === '13' && !hasBody;
}

/** Path and query as they were sent. */
function splitTarget(url) {
  const target = url.replace(/^https?:\/\/[^/?]*/i, '');
  const mark = target.indexOf('?');
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** Upgrades with the connection's data, or answers. */
function answer(request, server) {
  const [path, query] = splitTarget(request.url);
  if (request.headers.get('host')?.includes(',') ?? true) return refuse(400);
  if (path === '/health') return Response.json(HEALTH);
  if (path !== '/ws') return refuse(404);
  if (!request.headers.has('upgrade')) return refuse(426);
  const user = userFromQuery(query);
  if (user === null || !isUpgrade(request)) return refuse(400);
  // Bun would choose the first subprotocol offered.
  request.headers.delete('sec-websocket-protocol');
  return server.upgrade(request, { data: newcomer(user) }) ? undefined : refuse(400);
}

export class Listener {
  #connections;
  #server;

  constructor(settings) {
    const publish = (topic, text) => {
      this.#server.publish(topic, text);
      this.#connections.published(text);
    };
    const chat = new Chat(publish, (topic) => this.#server.subscriberCount(topic));
    this.#connections = new Connections(chat);
    this.#connections.keepAlive(settings);
  }

  listen({ host, port, backlog, reusePort }) {
    this.#server = Bun.serve({
      hostname: host,
      port,
      reusePort,
      fetch: answer,
      websocket: this.#connections.handler(),
    });
    listenAgain(port, backlog);
  }

  /** Accepts nobody any more, closes everyone, and reports when the last one is gone. */
  async stop() {
    const stopped = this.#server.stop();
    await this.#connections.closeAll(1012, 'Server going away');
    await stopped;
  }
}
