// Messages between two processes cost a system call and a wake-up each: what comes in one turn of
// the event loop goes in one.

export class Outbox {
  #send;
  #waiting = [];

  constructor(send) {
    this.#send = send;
  }

  put(item) {
    if (this.#waiting.push(item) === 1) setImmediate(() => this.#flush());
  }

  #flush() {
    this.#send(this.#waiting);
    this.#waiting = [];
  }
}
