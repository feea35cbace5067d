// An Express app with chat on the same process. Usage: express_app.mjs [HTTP_PORT] [CHAT_PORT]
import { Server } from 'chinwag';
import express from 'express';

const [httpPort = 8000, chatPort = 4000] = process.argv.slice(2).map(Number);
const chat = await new Server({ port: chatPort }).start();
const app = express();

app.get('/rooms', (_request, response) => {
  response.json(Object.fromEntries(chat.rooms));
});

app.post('/rooms/:room/announce', (request, response) => {
  chat.publish(request.params.room, String(request.query.text), 'announcer');
  response.json({ sent_to: request.params.room });
});

const web = app.listen(httpPort, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${web.address().port} ${chat.url}`);
});

process.once('SIGTERM', async () => {
  web.close();
  await chat.drain();
});
