// An Express app with chat on the same process. Usage: express_app.mjs [HTTP_PORT] [CHAT_PORT]
import { ChinwagError, Server } from 'chinwag';
import express from 'express';

const [httpPort = 8000, chatPort = 4000] = process.argv.slice(2).map(Number);
const chat = new Server({ port: chatPort });
const app = express();

app.get('/rooms', (_request, response) => {
  response.json(Object.fromEntries(chat.rooms));
});

app.post('/rooms/:room/announce', (request, response) => {
  const { text } = request.query;
  if (typeof text !== 'string') {
    response.status(400).json({ error: 'give what to announce, once: ?text=...' });
    return;
  }
  try {
    chat.publish(request.params.room, text, 'announcer');
  } catch (error) {
    if (!(error instanceof ChinwagError)) throw error;
    response.status(error.code.startsWith('bad_') ? 400 : 503).json({ error: error.message });
    return;
  }
  response.json({ sent_to: request.params.room });
});

let web;

async function stop() {
  web?.close();
  await chat.drain();
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
await chat.start();
web = app.listen(httpPort, '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`http://127.0.0.1:${web.address().port} ${chat.url}`);
});
