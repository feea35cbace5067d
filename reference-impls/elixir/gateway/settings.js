// The settings that are the gateway's own. All others go on to the Elixir server as they are.

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
  };
}
