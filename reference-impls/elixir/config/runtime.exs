import Config

read = fn name, default -> System.get_env(name, default) end

integer = fn name, default, min..max ->
  case Integer.parse(read.(name, default)) do
    {value, ""} when value in min..max ->
      value

    _ ->
      value = inspect(read.(name, default))
      IO.puts(:stderr, "chat: #{name} is #{value}: it must be a number from #{min} to #{max}")
      System.halt(2)
  end
end

interval_ms = 1..86_400_000

config :logger, level: :error

config :chat,
  host: read.("CHAT_HOST", "127.0.0.1"),
  port: integer.("CHAT_PORT", "4000", 0..65_535),
  ping_interval_ms: integer.("CHAT_PING_INTERVAL_MS", "30000", interval_ms),
  idle_timeout_ms: integer.("CHAT_IDLE_TIMEOUT_MS", "60000", interval_ms)
