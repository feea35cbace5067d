// The chat of one worker among several. All workers apply the same requests in the primary's order,
// each to a chat of its own, where connections of other workers are stand-ins that send nothing. So
// members on different workers hear each other, everywhere in the same order.

import { Chat } from './chat.js';
import { Outbox } from './outbox.js';

/** A connection of another worker. */
class Elsewhere {
  rooms = new Set();

  constructor(user) {
    this.user = user;
  }

  send() {}

  sendError() {}
}

/** Has the methods of Chat; what they do happens once the primary has sent it back. */
export class OrderedChat {
  #chat = new Chat();
  #connections = new Map(); // by id: everyone's
  #ids = new Map(); // of this worker's connections
  #outbox;
  #prefix;
  #next = 0;

  /** `post` takes a list of requests to the primary. */
  constructor(worker, post) {
    this.#prefix = `${worker}.`;
    this.#outbox = new Outbox(post);
  }

  connect(connection) {
    const id = this.#prefix + this.#next++;
    this.#ids.set(connection, id);
    this.#connections.set(id, connection);
    this.#ask('connect', connection, { user: connection.user });
  }

  disconnect(connection) {
    this.#ask('disconnect', connection, {});
    this.#ids.delete(connection);
  }

  join(connection, { room }) {
    this.#ask('join', connection, { room });
  }

  leave(connection, { room }) {
    this.#ask('leave', connection, { room });
  }

  message(connection, { room, content }) {
    this.#ask('message', connection, { room, content });
  }

  direct(connection, { to, content }) {
    this.#ask('direct', connection, { to, content });
  }

  // Answers to one connection alone take the same way: they must not overtake the others.
  heartbeat(connection) {
    this.#ask('heartbeat', connection, {});
  }

  refuse(connection, { why }) {
    this.#ask('refuse', connection, { why });
  }

  close(connection) {
    this.#ask('close', connection, {});
  }

  /** A request that the primary has put into its place. */
  apply([verb, id, fields]) {
    if (verb === 'connect' && !this.#connections.has(id)) {
      this.#connections.set(id, new Elsewhere(fields.user));
    }
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    this.#chat[verb](connection, fields);
    if (verb === 'disconnect') this.#connections.delete(id);
  }

  #ask(verb, connection, fields) {
    const id = this.#ids.get(connection);
    if (id !== undefined) this.#outbox.put([verb, id, fields]);
  }
}
