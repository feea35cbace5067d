// Variants `tuned` and `coalesced`: what waits for a connection, from the logs of its rooms and for
// it alone, goes to its socket in one write a turn. What it says goes out as it came, where it can.

import { Buffer } from 'node:buffer';

import { Chat } from './chat.js';
import { Connection } from './connection.js';
import { LoggedRooms } from './logged_rooms.js';
import { PlainRequests } from './plain_requests.js';
import { textFrame } from './text_frame.js';
import { Turn } from './turn.js';

// What is for one connection alone is written early at this length: who reads must never look like
// a slow consumer.
const WRITE_BYTES_MAX = 64 * 1024;

// Shorter parts of a log that is left are copied.
const COPIED_BYTES = 2 * 1024;

const NOTHING = [];

/**
 * Its socket is corked from the first thing on that is for it alone: what its rooms had for it by
 * then is put there first, so all comes in the order in which it was said. Pings, pongs and closes
 * of `ws` go to the same socket, and have their place in it.
 */
export class LoggedConnection extends Connection {
  memberships = new Set();
  #chat;
  #turn;
  #plainRequests;

  /** Without `plainRequests` every request is parsed. */
  constructor(webSocket, socket, user, chat, turn, plainRequests = null) {
    super(webSocket, socket, user, chat);
    this.#chat = chat;
    this.#turn = turn;
    this.#plainRequests = plainRequests;
  }

  /** What can't be passed on is answered as any other request is. */
  receive(data) {
    const plainRequests = this.#plainRequests;
    if (plainRequests === null) return super.receive(data);
    const plain = plainRequests.find(data);
    if (plain !== null && this.#passOn(plain, data)) return undefined;
    const request = super.receive(data);
    if (plain === null) plainRequests.learn(data, request);
    return request;
  }

  write(message) {
    this.gather();
    this.socket.write(textFrame(message));
  }

  pong(payload) {
    this.gather();
    super.pong(payload);
  }

  /** Writes much early. */
  bound() {
    if (this.socket.writableLength >= WRITE_BYTES_MAX) this.socket.uncork();
    super.bound();
  }

  /** Corks the socket for the rest of the turn, with all in it that waits by now. */
  gather() {
    if (!this.isOpen) return;
    const { socket } = this;
    if (socket.writableCorked === 0) {
      socket.cork();
      this.#turn.addConnection(this);
    }
    for (const part of this.#takeAll()) socket.write(part);
  }

  /**
   * What a room has for it that it leaves. A few bytes are copied: a view would keep its chunk,
   * and who joins and leaves again and again would keep one each time.
   */
  takeLast(member) {
    const parts = member.take();
    this.gather();
    if (!this.isOpen) return;
    for (const part of parts) {
      this.socket.write(part.length < COPIED_BYTES ? Buffer.from(part) : part);
    }
  }

  /** Writes all that waits. Without a cork, where it is one part: that is the usual case. */
  flush() {
    const { socket } = this;
    const parts = this.#takeAll();
    if (this.isOpen) {
      if (parts.length > 1 && socket.writableCorked === 0) socket.cork();
      for (const part of parts) socket.write(part);
    }
    socket.uncork();
  }

  /** A close takes along what waits, and waits for nothing. */
  finish() {
    this.flush();
    super.finish();
  }

  /** Whether there is somebody to pass it on to. */
  #passOn(plain, data) {
    const { room, to } = plain.place;
    if (room === undefined) return this.#chat.tellUser(to, plain.encode(data));
    if (!this.rooms.has(room)) return false;
    this.#chat.tellRoom(room, plain.encode(data));
    return true;
  }

  /** What its rooms have for it, in the order in which they began to have it. */
  #takeAll() {
    if (this.memberships.size === 1) {
      const [member] = this.memberships;
      return member.isBehind ? member.take() : NOTHING;
    }
    const behind = [];
    for (const member of this.memberships) if (member.isBehind) behind.push(member);
    if (behind.length === 1) return behind[0].take();
    behind.sort((one, other) => one.behindSince - other.behindSince);
    return behind.flatMap((member) => member.take());
  }
}

/** The parts of a listener: a chat whose rooms have logs, and connections that read them. */
export function logged(later, { work = 0 } = {}) {
  const turn = new Turn(later);
  return {
    chat: new Chat(work, new LoggedRooms(turn)),
    connect: (webSocket, socket, user, chat) => {
      // What is computed on is a text.
      const plainRequests = work > 0 ? null : new PlainRequests(user);
      return new LoggedConnection(webSocket, socket, user, chat, turn, plainRequests);
    },
  };
}
