// Names and the set of connections under each: rooms, and users. No set is ever empty.

const NOBODY = new Set();

export class Membership {
  #connections = new Map();

  of(name) {
    return this.#connections.get(name) ?? NOBODY;
  }

  /** How many were told. */
  tell(name, message) {
    const connections = this.of(name);
    // Who is closed for being slow is told all the same, and leaves meanwhile.
    const count = connections.size;
    for (const connection of connections) connection.send(message);
    return count;
  }

  add(name, connection) {
    if (!this.#connections.has(name)) this.#connections.set(name, new Set());
    this.#connections.get(name).add(connection);
  }

  remove(name, connection) {
    const connections = this.#connections.get(name);
    if (connections?.delete(connection) && connections.size === 0) this.#connections.delete(name);
  }
}
