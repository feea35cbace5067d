// A map from a name to the set of connections under it, without empty sets.

const NOBODY = new Set();

export class Membership {
  #connections = new Map();

  get(name) {
    return this.#connections.get(name) ?? NOBODY;
  }

  add(name, connection) {
    const connections = this.#connections.get(name);
    if (connections) connections.add(connection);
    else this.#connections.set(name, new Set([connection]));
  }

  remove(name, connection) {
    const connections = this.#connections.get(name);
    if (connections?.delete(connection) && connections.size === 0) this.#connections.delete(name);
  }
}
