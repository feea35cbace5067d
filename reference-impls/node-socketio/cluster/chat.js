// The chat of one node among several. What a connection asks for waits behind what it has asked for
// before: the adapter tells nobody before Redis has answered.

const ROOMS_PER_CONNECTION_MAX = 64;
// Who has more requests waiting is not read meanwhile.
const WAITING_MAX = 64;
const COMINGS_AND_GOINGS = new Set(['user_joined', 'user_left']);
// A name of as many letters is taken for a socket's id by the adapter: it would go to all nodes.
const ID_LETTERS = 20;

const now = () => ({ timestamp: Date.now() });

function key(kind, name) {
  const usual = `${kind}:${name}`;
  return usual.length === ID_LETTERS ? `${kind}-of-15:${name}` : usual;
}

const ofRoom = (name) => key('room', name);
const ofUser = (name) => key('user', name);

export class ClusterChat {
  /** Has the form of chat.js's; each is served in its turn. */
  verbs;
  #backplane;
  #queues = new WeakMap(); // by socket
  #departing = new Set(); // promises

  constructor(backplane) {
    this.#backplane = backplane;
    const inTurn = (verb) => (io, socket, fields) => {
      this.#queueOf(socket).put(() => verb(socket, fields));
    };
    this.verbs = {
      join: inTurn((socket, { room }) => this.#join(socket, room)),
      leave: inTurn((socket, { room }) => this.#leave(socket, room)),
      message: inTurn((socket, fields) => this.#message(socket, fields)),
      direct: inTurn((socket, fields) => this.#direct(socket, fields)),
      heartbeat: inTurn((socket) => socket.emit('heartbeat', now())),
      refuse: inTurn((socket, { why }) => sendError(socket, 'bad_request', why)),
    };
  }

  arrive(socket) {
    socket.data.rooms = new Set();
    this.#queueOf(socket).put(async () => {
      const letGo = await this.#backplane.hold(ofUser(socket.data.user));
      if (socket.connected) {
        socket.emit('welcome', { user: socket.data.user });
        socket.join(ofUser(socket.data.user));
      }
      letGo();
    });
  }

  /** Who hears that somebody has left finds nobody by that name, on any node. */
  depart(socket) {
    const departed = this.#queueOf(socket).put(async () => {
      await this.#backplane.settled();
      const { user, rooms } = socket.data;
      await Promise.all([...rooms].map((room) => this.#tell(socket, 'user_left', { room, user })));
    });
    this.#departing.add(departed);
    departed.then(() => this.#departing.delete(departed));
  }

  /** Once all that was to be said of those who have left has been said. */
  async settled() {
    await Promise.all(this.#departing);
  }

  async #join(socket, room) {
    const { user, rooms } = socket.data;
    const joined = { room, user, ...now() };
    if (rooms.has(room)) return socket.emit('user_joined', joined);
    if (rooms.size >= ROOMS_PER_CONNECTION_MAX) {
      return sendError(socket, 'too_many_rooms', 'leave a room first');
    }
    const letGo = await this.#backplane.hold(ofRoom(room));
    const missed = this.#backplane.record(ofRoom(room), COMINGS_AND_GOINGS);
    // Told to the others while it is not there yet: its own comes before all else of that room.
    const nodes = await this.#backplane.tell(ofRoom(room), 'user_joined', joined);
    rooms.add(room);
    if (socket.connected) socket.join(ofRoom(room));
    socket.emit('user_joined', joined);
    // Of two who join at once, neither would hear of the other, else.
    for (const [type, fields] of missed.end()) {
      if (fields !== joined) socket.emit(type, fields);
    }
    letGo();
    if (nodes === null) refuseToSend(socket);
  }

  async #leave(socket, room) {
    const { user, rooms } = socket.data;
    if (!rooms.delete(room)) return sendError(socket, 'not_joined', 'join the room first');
    socket.leave(ofRoom(room));
    await this.#tell(socket, 'user_left', { room, user });
  }

  async #message(socket, { room, content }) {
    const { user, rooms } = socket.data;
    if (!rooms.has(room)) return sendError(socket, 'not_joined', 'join the room first');
    await this.#tell(socket, 'message', { room, user, content });
  }

  async #tell(socket, type, fields) {
    const nodes = await this.#backplane.tell(ofRoom(fields.room), type, { ...fields, ...now() });
    if (nodes === null) refuseToSend(socket);
  }

  async #direct(socket, { to, content }) {
    const user = ofUser(to);
    // A node that has just lost a user may be counted still.
    if (!this.#backplane.has(user)) await this.#backplane.settled();
    const fields = { user: socket.data.user, content, ...now() };
    const nodes = await this.#backplane.tell(user, 'direct', fields);
    if (nodes === null) refuseToSend(socket);
    else if (nodes === 0) sendError(socket, 'no_such_user', 'nobody is called so');
  }

  #queueOf(socket) {
    if (!this.#queues.has(socket)) this.#queues.set(socket, new Queue(socket));
    return this.#queues.get(socket);
  }
}

/** A connection's requests, one after the other. */
class Queue {
  #socket;
  #last = Promise.resolve();
  #length = 0;

  constructor(socket) {
    this.#socket = socket;
  }

  put(request) {
    this.#length += 1;
    // Engine.IO has no way to be read more slowly but its WebSocket's own.
    const webSocket = this.#socket.conn.transport.socket;
    if (this.#length === WAITING_MAX) webSocket.pause();
    this.#last = this.#last.then(request).then(() => {
      this.#length -= 1;
      if (this.#length === 0 && webSocket.isPaused) webSocket.resume();
    });
    return this.#last;
  }
}

function sendError(socket, code, message) {
  socket.emit('error', { code, message });
}

function refuseToSend(socket) {
  sendError(socket, 'unavailable', 'the other nodes may not have it: the backplane is down');
}
