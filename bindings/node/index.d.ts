import { EventEmitter } from 'node:events';

/** Options of `chinwagd` by name, the unit in the name: `{ port: 0, idle_timeout_ms: 5000 }`. */
export interface ServerOptions {
  /** IP address, or a name of one, to listen on; 127.0.0.1. */
  host?: string;
  /** TCP port; 0, the default here, takes a free one. */
  port?: number;
  workers?: number;
  allowed_origins?: string;
  serve_health?: boolean;
  serve_metrics?: boolean;
  ping_interval_ms?: number;
  idle_timeout_ms?: number;
  handshake_timeout_ms?: number;
  stall_timeout_ms?: number;
  close_timeout_ms?: number;
  close_total_timeout_ms?: number;
  pending_bytes_max?: number;
  slow_consumer?: 'close' | 'skip';
  rooms_per_connection_max?: number;
  header_bytes_max?: number;
  http_requests_per_connection_max?: number;
  connections_max?: number;
  connections_per_user_max?: number;
  connections_per_address_max?: number;
  rooms_max?: number;
  memory_bytes_max?: number;
  requests_per_second_max?: number;
  fanout_bytes_per_second_max?: number;
  undecided_bytes_max?: number;
  calls_bytes_max?: number;
  echo?: boolean;
  echo_bytes_max?: number;
  read_bytes_per_turn?: number;
  accepts_per_turn?: number;
  sends_per_room_turn?: number;
  turn_us?: number;
  room_backlog_bytes_max?: number;
  hold_back_ms?: number;
  listen_backlog?: number;
}

/** Counters since the start; `connections`, `rooms` and `members` are what is held now. */
export interface ServerStats {
  connections: number;
  rooms: number;
  members: number;
  accepted: number;
  accept_failures: number;
  upgrades: number;
  http_requests: number;
  publishes: number;
  /** Frames of a room written to one member. */
  deliveries: number;
  direct_deliveries: number;
  bytes_in: number;
  bytes_out: number;
  send_calls: number;
  turns: number;
  turn_us: number;
  slow_consumers: number;
  skipped_bytes: number;
  log_chunks: number;
  memory_bytes: number;
  /** By type of request. */
  messages_in: Record<string, number>;
  /** Error answers by code. */
  errors: Record<string, number>;
  /** By close code. */
  closes: Record<string, number>;
  /** Turns of the loop by their duration's upper bound in microseconds. */
  turn_buckets: Record<string, number>;
  /** Handlers, and listeners of other events, that threw or rejected. */
  handler_errors: number;
}

/** Codes of chat/1's error answers that a handler may refuse with. */
export type RefusalCode =
  | 'bad_request'
  | 'not_joined'
  | 'no_such_user'
  | 'too_many_rooms'
  | 'rate_limited'
  | 'forbidden'
  | 'unavailable';

/** Something that can't be done; the message says what to do about it. */
export class ChinwagError extends Error {
  constructor(message: string, code: string);
  /** The name that the core, Python and Node.js share, such as `port_in_use`. */
  readonly code: string;
}

/** The connection is gone, or the client was closed; `connection_closed`. */
export class ConnectionClosed extends ChinwagError {
  constructor(message?: string);
}

/** A server answered a request with `error`; `code` is the one that it gave. */
export class Refused extends ChinwagError {}

/** One connection of a user. */
export class Connection {
  private constructor();
  /** The name given at the upgrade. */
  readonly user: string;
  /** Names it for good: a later connection never has the same. May be a key. */
  readonly id: string;
  /** Sends a direct message to this connection alone. False if it is gone, which may happen at any
   * time and is nobody's mistake. Throws `bad_content`, `bad_name`, or `too_many_calls`. */
  send(content: string, user?: string): boolean;
  /** Closes it once what waits for it is sent. False if it is gone. Throws `bad_close_code`, or
   * `too_many_calls`. */
  close(code?: number): boolean;
  equals(other: unknown): boolean;
}

/**
 * A client wants to become a member of a room. Served unless a handler refuses it. The first
 * `refuse` or `answer` is final: no other listener is called, and whatever would decide otherwise
 * after it, or after the verdict went to the server, throws `already_decided`.
 */
export class Join {
  protected constructor();
  readonly connection: Connection;
  readonly user: string;
  readonly room: string;
  /** Does not serve it; the client gets `error {code, message: text}`. Throws `bad_content`, or
   * `bad_refusal` for another code. */
  refuse(text?: string, code?: RefusalCode): void;
  /** Does not serve it; the client gets `content` as a direct message from `server`. Throws
   * `bad_content`. */
  answer(content: string): void;
}

/** A member wants to publish. Published unless a handler refuses or answers it. */
export class Message extends Join {
  private constructor();
  /** What will be published; set it to publish something else. Throws `bad_content`. */
  content: string;
}

/**
 * A listener that returns a promise is waited for. One that fails ends nothing: of `error`, `log`
 * and `end` too, whose first failure is a process warning, `ChinwagWarning`.
 */
export interface ServerEvents {
  /** After the upgrade. */
  open: (connection: Connection) => unknown;
  join: (join: Join) => unknown;
  message: (message: Message) => unknown;
  /** Once for every open; the code is 1006 if the connection broke off. */
  close: (connection: Connection, code: number) => unknown;
  /** Another handler threw or rejected. Without a listener it is printed to standard error. */
  error: (error: Error, about: Connection | Join | Message | undefined) => unknown;
  /** A line of the server's log. */
  log: (text: string, warning: boolean) => unknown;
  /** It was drained. */
  end: () => unknown;
}

/**
 * A chat/1 server on a thread of its own; JavaScript never runs for a message that no handler wants
 * to see. Handlers are registered before `start()`; they may be async. What a client asks for waits
 * behind what is undecided of the same client, and for nobody else's. What a handler that fails was
 * asked about is refused with `unavailable`. A running server keeps the process alive.
 *
 * Throws a ChinwagError with `unknown_option` or `bad_option_value`.
 */
export class Server extends EventEmitter {
  constructor(options?: ServerOptions);
  on<Name extends keyof ServerEvents>(event: Name, listener: ServerEvents[Name]): this;
  once<Name extends keyof ServerEvents>(event: Name, listener: ServerEvents[Name]): this;
  off<Name extends keyof ServerEvents>(event: Name, listener: ServerEvents[Name]): this;
  /** Binds the port and serves. Rejects with `port_in_use`, `address_unusable`, ... */
  start(): Promise<this>;
  /** Stops accepting, closes every connection with 1012; resolves when all are gone or at the
   * deadline, which is never for Infinity. Draining again does nothing. A listener that awaits it
   * waits for itself until the deadline. Rejects with `bad_deadline`, or a TypeError. */
  drain(deadlineMs?: number): Promise<void>;
  /** Publishes in a room. `content` is at most 65,536 bytes of UTF-8. Throws `bad_name` for a name
   * that chat/1 does not have, `bad_content` for half of a surrogate pair or too long a text, and
   * `too_many_calls` while `calls_bytes_max` of calls wait for the server: try again later. */
  publish(room: string, content: string, user?: string): void;
  /** Sends a direct message to every connection of a user. Throws as `publish` does. */
  sendTo(user: string, content: string, sender?: string): void;
  /** Closes one connection. False if it is gone. */
  close(connection: Connection, code?: number): boolean;
  /** The rooms that have members, and how many. */
  readonly rooms: Map<string, number>;
  /** The connections in a room, in the order in which they joined. */
  members(room: string): Connection[];
  /** After a drain, the last ones. */
  stats(): ServerStats;
  [Symbol.asyncDispose](): Promise<void>;
  /** The TCP port that was bound. */
  readonly port: number;
  /** Where clients connect. */
  readonly url: string;
}

/** What a server sent. */
export interface Received {
  /** `welcome` is the first of every connection, so also after a reconnect. */
  type: 'welcome' | 'user_joined' | 'user_left' | 'message' | 'direct' | 'error' | string;
  room: string;
  user: string;
  content: string;
  /** Unix milliseconds by the server's clock; 0 where there is none. */
  timestamp: number;
  /** Of an `error`. */
  code: string;
}

/** Delays of min(mostMs, firstMs * 2**n), each drawn evenly between 0 and its bound; from 1 s to
 * 30 s. A client starts again with the first after a connection that lasted for 10 s. Throws
 * `bad_option_value`: both are 1 to 2**31 - 1. */
export class Backoff {
  constructor(options?: { firstMs?: number; mostMs?: number; random?: () => number });
  nextMs(): number;
  reset(): void;
}

export interface ClientOptions {
  /** The name to be known by; without one the server gives a random one. */
  user?: string | null;
  /** Whether to come back after a break; true. */
  reconnect?: boolean;
  /** Milliseconds between heartbeats; two without an answer are a break. 20,000. */
  heartbeatMs?: number;
  /** Milliseconds in which a connection has to be open, all in all. 10,000. */
  connectTimeoutMs?: number;
  /** Milliseconds that a server has to answer a close; then the connection is cut off. 5,000. */
  closeTimeoutMs?: number;
  /** Messages kept for a reader that is slow; then the server has to wait. 1,024. */
  queueMax?: number;
  /** Bytes of the longest message that is taken; a longer one ends its connection with 1009, which
   * is a break. From 65,536 to 536,870,888; 1,048,576, which no chat/1 server reaches. */
  messageBytesMax?: number;
  /** A Backoff, or what has its methods. */
  backoff?: Pick<Backoff, 'nextMs' | 'reset'>;
}

/**
 * A connection to a chat/1 server that comes back by itself: after a break it tries again with
 * growing, jittered delays and joins its rooms anew. What others published meanwhile is not seen.
 * Messages come by `messages()`, by `receive()` or as events. What a listener throws is uncaught,
 * and the client goes on.
 *
 * Throws `bad_url`, `bad_name`, `unknown_option` or `bad_option_value`, or a TypeError.
 */
export class Client extends EventEmitter {
  constructor(url: string | URL, options?: ClientOptions);
  on(event: 'message', listener: (message: Received) => void): this;
  on(event: 'disconnect' | 'reconnect' | 'end', listener: () => void): this;
  readonly user: string;
  readonly reconnects: number;
  /** Rejects with `unreachable`, or `handshake_refused`: also for a redirect, which is not
   * followed. ConnectionClosed if it is closed meanwhile. */
  connect(): Promise<this>;
  /** Resolves once the connection is gone, after `closeTimeoutMs` at most. */
  close(): Promise<void>;
  /** Becomes a member, and again after every reconnect. Rejects with Refused, `timeout`,
   * `bad_name`, `bad_deadline`, or ConnectionClosed: also for a join that ended three
   * connections. It waits for 10,000 ms; Infinity is as long as it takes. */
  join(room: string, options?: { timeoutMs?: number }): Promise<void>;
  leave(room: string): Promise<void>;
  /** Waits while there is no connection; rejects with ConnectionClosed, `bad_name`, or
   * `bad_content` for more than 65,536 bytes of JSON. */
  send(room: string, content: string): Promise<void>;
  direct(to: string, content: string): Promise<void>;
  /** What the server sends, until the client is closed. */
  messages(): AsyncGenerator<Received, void, void>;
  /** The next of `messages()`; null at their end. Rejects with `timeout`, `bad_deadline`. A promise
   * that nobody waits for any more takes its message all the same: give a time instead of racing
   * it. */
  receive(options?: { timeoutMs?: number }): Promise<Received | null>;
  [Symbol.asyncDispose](): Promise<void>;
}

export const version: string;
