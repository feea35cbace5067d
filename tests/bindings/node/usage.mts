// What a TypeScript program may write; `tsc` checks it, nobody runs it.
import { Backoff, ChinwagError, Client, Server, type Received, type ServerStats } from 'chinwag';

const server = new Server({ port: 0, slow_consumer: 'skip', idle_timeout_ms: 5000 });

server.on('open', (connection) => connection.send(`Hello ${connection.user}`));
server.on('message', async (message) => {
  if (message.content === '') return message.refuse('say something', 'bad_request');
  message.content = message.content.trim();
});
server.on('close', (connection, code) => console.log(connection.id, code.toFixed()));
server.on('error', (error) => console.error(error.message));

await server.start();
const stats: ServerStats = server.stats();
console.log(stats.messages_in.join, server.rooms.get('tea'), server.members('tea')[0]?.user);

const backoff = new Backoff({ firstMs: 10 });
const client = new Client(new URL(server.url), { user: 'ann', backoff, closeTimeoutMs: 500 });
await client.connect();
for await (const message of client.messages()) {
  const received: Received = message;
  console.log(received.content);
}

try {
  server.publish('', '');
} catch (error) {
  if (error instanceof ChinwagError) console.log(error.code);
}

// @ts-expect-error: an option that there is not
new Server({ idle_timeout: 5 });
// @ts-expect-error: an event that there is not
server.on('messages', () => {});
// @ts-expect-error: an option that a client does not have
new Client(server.url, { heartbeat: 5 });
// @ts-expect-error: a content that is no text
server.publish('tea', 42);

await server.drain();
