// Rooms and users: who is where, and who receives what.

import { Membership } from './membership.js';
import * as messages from './messages.js';
import { work } from './work.js';

export const ROOMS_PER_CONNECTION_MAX = 64;

export class Chat {
  #rooms;
  #users = new Membership();
  #work;

  /** `rounds` of work come before each message to a room. */
  constructor(rounds = 0, rooms = new Membership()) {
    this.#rooms = rooms;
    this.#work = rounds;
  }

  connect(connection) {
    this.#users.add(connection.user, connection);
    connection.send(messages.welcome(connection.user));
  }

  /** All that it asked for is served. */
  close(connection) {
    connection.finish();
  }

  /** Safe to call again: it is called when a close begins, and once more when it is complete. */
  disconnect(connection) {
    this.#users.remove(connection.user, connection);
    for (const room of connection.rooms) this.#depart(connection, room);
  }

  join(connection, { room }) {
    if (connection.rooms.has(room)) {
      return connection.send(messages.userJoined(room, connection.user));
    }
    if (connection.rooms.size >= ROOMS_PER_CONNECTION_MAX) {
      return connection.sendError('too_many_rooms', 'leave a room first');
    }
    return this.admit(connection, room, messages.userJoined(room, connection.user));
  }

  admit(connection, room, joined) {
    connection.rooms.add(room);
    this.#rooms.add(room, connection);
    this.#rooms.tell(room, joined);
  }

  leave(connection, { room }) {
    if (connection.rooms.has(room)) this.#depart(connection, room);
    else connection.sendError('not_joined', 'join the room first');
  }

  message(connection, { room, content }) {
    if (!connection.rooms.has(room)) {
      return connection.sendError('not_joined', 'join the room first');
    }
    if (this.#work > 0) work(content, this.#work);
    this.tellRoom(room, messages.roomMessage(room, connection.user, content), connection);
  }

  direct(connection, { to, content }) {
    if (!this.tellUser(to, messages.directMessage(connection.user, content))) {
      connection.sendError('no_such_user', 'nobody is called so');
    }
  }

  heartbeat(connection) {
    connection.send(messages.heartbeat());
  }

  refuse(connection, { why }) {
    connection.sendError('bad_request', why);
  }

  /** The variant with several nodes tells the others, too; it is `connection` that has it said. */
  tellRoom(room, message) {
    this.#rooms.tell(room, message);
  }

  /** Whether anybody is called so. */
  tellUser(user, message) {
    return this.#users.tell(user, message) > 0;
  }

  #depart(connection, room) {
    connection.rooms.delete(room);
    this.#rooms.remove(room, connection);
    this.tellRoom(room, messages.userLeft(room, connection.user), connection);
  }
}
