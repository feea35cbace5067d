// Settings come by environment, so that every compared server is started the same way.

const TIMER_MAX_MS = 2 ** 31 - 1;

function positiveInteger(env, name, fallback, max) {
  const text = env[name] ?? String(fallback);
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > max) {
    throw new Error(`${name} is ${JSON.stringify(text)}: give a whole number from 1 to ${max}`);
  }
  return value;
}

export function readSettings(env) {
  return {
    host: env.CHAT_HOST || '127.0.0.1',
    port: positiveInteger(env, 'CHAT_PORT', 4000, 65_535),
    backlog: positiveInteger(env, 'CHAT_BACKLOG', 4096, 65_535),
    reusePort: env.CHAT_REUSE_PORT === '1', // another process may listen there as well
    pingIntervalMs: positiveInteger(env, 'CHAT_PING_INTERVAL_MS', 30_000, TIMER_MAX_MS),
    idleTimeoutMs: positiveInteger(env, 'CHAT_IDLE_TIMEOUT_MS', 60_000, TIMER_MAX_MS),
  };
}
