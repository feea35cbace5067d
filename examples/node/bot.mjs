// A bot that counts what people say. Usage: bot.mjs URL ROOM
import { Client } from 'chinwag';

const [url, room] = process.argv.slice(2);
if (!room) {
  console.error('usage: bot.mjs URL ROOM, such as ws://127.0.0.1:4000/ws tea');
  process.exit(2);
}
const said = new Map();
const bot = await new Client(url, { user: 'counter' }).connect();
await bot.join(room);

for await (const { type, user, content } of bot.messages()) {
  if (type !== 'message' || user === bot.user) continue;
  said.set(user, (said.get(user) ?? 0) + 1);
  if (content === '!count') {
    await bot.send(room, [...said].map(([name, count]) => `${name}: ${count}`).join(', '));
  }
}
