// What is to be written at the end of this turn of the event loop, or after a delay.

export class Turn {
  #later;
  #rooms = new Set();
  #connections = new Set();
  #isDue = false;

  /** `later` calls what it is given once: after this turn of the event loop, or after a delay. */
  constructor(later) {
    this.#later = later;
  }

  /** Its log has grown. */
  addRoom(room) {
    this.#rooms.add(room);
    this.#schedule();
  }

  /** Its socket is corked. */
  addConnection(connection) {
    this.#connections.add(connection);
    this.#schedule();
  }

  #schedule() {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#later(() => this.#end());
  }

  /** Room by room: its bytes stay in the processor's cache while all members are written to. */
  #end() {
    const [rooms, connections] = [this.#rooms, this.#connections];
    this.#rooms = new Set();
    this.#connections = new Set();
    this.#isDue = false;
    for (const room of rooms) room.write();
    for (const connection of connections) {
      connection.flush();
      connection.bound();
    }
  }
}
