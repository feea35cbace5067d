// The chat of one node among several. Own members are told at once, as in the chat of one process;
// what is said is published for members on other nodes. Where something has to be waited for, that
// connection's next requests wait behind it, and nobody else's.

import { Chat, ROOMS_PER_CONNECTION_MAX } from '../chat.js';
import { directMessage } from '../messages.js';

const ROOM = 'chat:room:';
const USER = 'chat:user:';
// Who has more requests waiting is not read meanwhile.
const WAITING_MAX = 64;

export class ClusterChat extends Chat {
  #backplane;
  #waiting = new Map(); // connection -> requests behind the one that is under way
  #paused = new Set(); // connections with too many of those
  #entered = new Set(); // connections that were welcomed
  #leaving = new WeakMap(); // connection -> what its farewells come after

  constructor(backplane) {
    super();
    this.#backplane = backplane;
    backplane.onPublication = (channel, message) => this.#onPublication(channel, message);
  }

  connect(connection) {
    this.#ask(connection, () => {
      this.#entered.add(connection);
      return after(this.#backplane.hold(USER + connection.user), () => super.connect(connection));
    });
  }

  /** Who hears that somebody has left finds nobody by that name, on any node. */
  disconnect(connection) {
    this.#ask(connection, () => {
      if (!this.#entered.delete(connection)) return;
      const rooms = [...connection.rooms];
      const user = USER + connection.user;
      this.#backplane.release(user);
      this.#leaving.set(connection, this.#backplane.released(user));
      super.disconnect(connection);
      for (const room of rooms) this.#backplane.release(ROOM + room);
    });
  }

  join(connection, fields) {
    this.#ask(connection, () => super.join(connection, fields));
  }

  /**
   * Once the subscription stands and the news has come back by it. So whoever joins has missed
   * nothing that other nodes say from then on, and hears nothing that they said before.
   */
  admit(connection, room, joined) {
    return after(this.#backplane.hold(ROOM + room), () => {
      return new Promise((resolve) => {
        this.#backplane.announce(ROOM + room, joined, (isHeard) => {
          super.admit(connection, room, joined);
          if (!isHeard) refuseToSend(connection);
          resolve();
        });
      });
    });
  }

  leave(connection, { room }) {
    this.#ask(connection, () => {
      const isKnown = connection.rooms.has(room);
      super.leave(connection, { room });
      if (isKnown) this.#backplane.release(ROOM + room);
    });
  }

  message(connection, fields) {
    this.#ask(connection, () => super.message(connection, fields));
  }

  direct(connection, { to, content }) {
    this.#ask(connection, () => {
      const message = directMessage(connection.user, content);
      if (!this.tellUser(to, message)) return this.#directElsewhere(connection, to, message);
      return this.#publish(USER + to, message, connection);
    });
  }

  heartbeat(connection) {
    this.#ask(connection, () => super.heartbeat(connection));
  }

  refuse(connection, fields) {
    this.#ask(connection, () => super.refuse(connection, fields));
  }

  close(connection) {
    this.#ask(connection, () => super.close(connection));
  }

  /** Published first: to tell may be to close a slow member, which then leaves the room. */
  tellRoom(room, message, connection) {
    const leaving = this.#leaving.get(connection);
    if (leaving === undefined) this.#publish(ROOM + room, message, connection);
    else leaving.then(() => this.#publish(ROOM + room, message, connection));
    super.tellRoom(room, message);
  }

  #publish(channel, message, connection) {
    this.#backplane.publish(channel, message).catch(() => refuseToSend(connection));
  }

  /** Redis says how many nodes have somebody of that name. */
  async #directElsewhere(connection, to, message) {
    await this.#backplane.released(USER + to);
    try {
      // Whoever comes here meanwhile is counted, so it has to be told as well.
      const nodes = await this.#backplane.publish(USER + to, message, { toAll: true });
      if (nodes === 0) connection.sendError('no_such_user', 'nobody is called so');
    } catch {
      refuseToSend(connection);
    }
  }

  #onPublication(channel, message) {
    if (channel.startsWith(ROOM)) super.tellRoom(channel.slice(ROOM.length), message);
    else this.tellUser(channel.slice(USER.length), message);
  }

  /** `request` is served in its turn. It returns a promise if others have to wait behind it. */
  #ask(connection, request) {
    const waiting = this.#waiting.get(connection);
    if (waiting === undefined) {
      const promise = request();
      if (promise === undefined) return;
      this.#waiting.set(connection, []);
      promise.then(() => this.#goOn(connection));
    } else if (waiting.push(request) === WAITING_MAX) {
      this.#paused.add(connection);
      connection.socket.pause();
    }
  }

  #goOn(connection) {
    const waiting = this.#waiting.get(connection);
    while (waiting.length > 0) {
      const promise = waiting.shift()();
      if (promise !== undefined) return promise.then(() => this.#goOn(connection));
    }
    this.#waiting.delete(connection);
    if (this.#paused.delete(connection)) connection.socket.resume();
  }
}

/** Now, where there is nothing to wait for. */
function after(promise, act) {
  return promise === undefined ? act() : promise.then(act);
}

function refuseToSend(connection) {
  connection.sendError('unavailable', 'the other nodes may not have it: the backplane is down');
}
