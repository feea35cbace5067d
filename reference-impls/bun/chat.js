// Rooms, users and what each request does, by Bun's own means: a topic for each room, and one for
// each user, which all connections of that user subscribe to.

const ROOMS_PER_CONNECTION_MAX = 64;
const ROOM = 'room:';
const USER = 'user:';

const now = () => ({ timestamp: Date.now() });
const send = (ws, message) => ws.send(JSON.stringify(message));

function sendError(ws, code, message) {
  send(ws, { type: 'error', code, message });
}

export class Chat {
  #publish;
  #countOf;

  /** `publish(topic, text)` sends to all subscribers of a topic, `countOf(topic)` many. */
  constructor(publish, countOf) {
    this.#countOf = countOf;
    this.#publish = (topic, message) => publish(topic, JSON.stringify(message));
  }

  connect(ws) {
    const { user } = ws.data;
    ws.subscribe(USER + user);
    send(ws, { type: 'welcome', user });
  }

  /** Safe to call again: it is called when a close begins, and once more when it is complete. */
  disconnect(ws) {
    for (const room of ws.data.rooms) this.#depart(ws, room);
  }

  join(ws, { room }) {
    const { user, rooms } = ws.data;
    const joined = { type: 'user_joined', room, user, ...now() };
    if (rooms.has(room)) return send(ws, joined);
    if (rooms.size >= ROOMS_PER_CONNECTION_MAX) {
      return sendError(ws, 'too_many_rooms', 'leave a room first');
    }
    rooms.add(room);
    ws.subscribe(ROOM + room);
    this.#publish(ROOM + room, joined);
  }

  leave(ws, { room }) {
    if (ws.data.rooms.has(room)) this.#depart(ws, room);
    else sendError(ws, 'not_joined', 'join the room first');
  }

  message(ws, { room, content }) {
    const { user, rooms } = ws.data;
    if (!rooms.has(room)) return sendError(ws, 'not_joined', 'join the room first');
    this.#publish(ROOM + room, { type: 'message', room, user, content, ...now() });
  }

  direct(ws, { to, content }) {
    // Not what Bun.serve's publish answers: 0 stands for nobody, and also for a message left out.
    if (this.#countOf(USER + to) === 0) return sendError(ws, 'no_such_user', 'nobody is called so');
    this.#publish(USER + to, { type: 'direct', user: ws.data.user, content, ...now() });
  }

  heartbeat(ws) {
    send(ws, { type: 'heartbeat', ...now() });
  }

  refuse(ws, why) {
    sendError(ws, 'bad_request', why);
  }

  #depart(ws, room) {
    ws.data.rooms.delete(room);
    ws.unsubscribe(ROOM + room);
    this.#publish(ROOM + room, { type: 'user_left', room, user: ws.data.user, ...now() });
  }
}
