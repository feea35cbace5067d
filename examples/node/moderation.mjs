// A filter: no links, no shouting, and an answer to /who. Usage: moderation.mjs [PORT]
import { Server } from 'chinwag';

const port = Number(process.argv[2] ?? 4000);
const server = new Server({ port, allowed_origins: 'null' }); // a page opened from disk

server.on('message', async (message) => {
  if (/https?:\/\//.test(message.content)) {
    message.refuse('no links here');
  } else if (message.content === '/who') {
    const users = server.members(message.room).map((one) => one.user);
    message.answer(users.sort().join(', '));
  } else if (message.content === message.content.toUpperCase()) {
    message.content = message.content.toLowerCase();
  }
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.drain());
await server.start();
console.log(server.url);
