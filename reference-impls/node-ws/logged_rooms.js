// Rooms whose members are written from one log. They take the place of the chat's `Membership`.

import { CHUNK_BYTES_MAX, RoomLog } from './room_log.js';
import { frameParts } from './text_frame.js';

// A log is written early at this length: who reads must never look like a slow consumer.
const WRITE_BYTES_MAX = CHUNK_BYTES_MAX - 8 * 1024;

/** A connection's place in a room's log. */
class Member {
  #log;
  #cursor;

  constructor(connection, log) {
    this.connection = connection;
    this.#log = log;
    this.#cursor = log.end;
  }

  get isBehind() {
    return this.#cursor < this.#log.end;
  }

  /** When the room began to have something to be written. */
  get behindSince() {
    return this.#log.grewAt;
  }

  /** What it has not got yet, which it then has. */
  take() {
    const parts = this.#log.after(this.#cursor);
    this.#cursor = this.#log.end;
    return parts;
  }
}

class Room {
  log = new RoomLog();
  members = new Map(); // by connection

  /** Writes to everyone what everyone waits for. */
  write() {
    const slow = [];
    for (const { connection, isBehind } of this.members.values()) {
      if (!isBehind) continue;
      connection.flush();
      if (connection.isSlow) slow.push(connection);
    }
    this.log.trim();
    // Only now: whoever is closed leaves its rooms, and the others are told.
    for (const connection of slow) connection.bound();
  }
}

export class LoggedRooms {
  #rooms = new Map(); // by name; none is empty
  #turn;

  constructor(turn) {
    this.#turn = turn;
  }

  add(name, connection) {
    if (!this.#rooms.has(name)) this.#rooms.set(name, new Room());
    const room = this.#rooms.get(name);
    const member = new Member(connection, room.log);
    room.members.set(connection, member);
    connection.memberships.add(member);
  }

  /** What was said before is still for who leaves. */
  remove(name, connection) {
    const room = this.#rooms.get(name);
    const member = room?.members.get(connection);
    if (member === undefined) return;
    if (member.isBehind) connection.takeLast(member);
    room.members.delete(connection);
    connection.memberships.delete(member);
    if (room.members.size === 0) this.#rooms.delete(name);
  }

  tell(name, message) {
    const room = this.#rooms.get(name);
    if (room === undefined) return;
    room.log.append(frameParts(message));
    if (room.log.byteCount >= WRITE_BYTES_MAX) room.write();
    else this.#turn.addRoom(room);
  }
}
