// A chat server: node examples/node/chat_server.mjs [PORT], then open examples/chat.html twice.
import { Server } from 'chinwag';

const port = Number(process.argv[2] ?? 4000);
const server = new Server({ port, allowed_origins: 'null' }); // a page opened from disk

server.on('open', (connection) => {
  connection.send(`Hello ${connection.user}`);
  console.log(`${connection.user} is here`);
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.drain());
await server.start();
