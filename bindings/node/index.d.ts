/** Options of `chinwagd` by name, the unit in the name: `{ port: 0, idle_timeout_ms: 5000 }`. */
export interface ServerOptions {
  host?: string;
  /** 0, the default here, takes a free port. */
  port?: number;
  ping_interval_ms?: number;
  idle_timeout_ms?: number;
  pending_bytes_max?: number;
  [option: string]: string | number | boolean | undefined;
}

/** Counters since the start; `connections`, `rooms` and `members` are what is held now. */
export interface ServerStats {
  connections: number;
  rooms: number;
  members: number;
  accepted: number;
  upgrades: number;
  publishes: number;
  deliveries: number;
  direct_deliveries: number;
  bytes_in: number;
  bytes_out: number;
  send_calls: number;
  slow_consumers: number;
}

/**
 * A chat/1 server on a thread of its own. It serves once the constructor returns.
 * Throws an Error whose `code` is the core's name for what is wrong: `unknown_option`,
 * `bad_option_value`, `port_in_use`, ...
 */
export class Server {
  constructor(options?: ServerOptions);
  readonly port: number;
  stats(): ServerStats;
  /** Stops accepting and closes every connection with 1012; resolves when all are gone. */
  drain(deadlineMs?: number): Promise<void>;
}

export const version: string;
