import Config

read = fn name, default, parse ->
  value = System.get_env(name, default)

  case parse.(value) do
    {:ok, setting} ->
      setting

    _error ->
      IO.puts(:stderr, "chat: #{name} can't be #{inspect(value)}")
      System.halt(2)
  end
end

number = fn most -> &with({n, ""} when n in 1..most <- Integer.parse(&1), do: {:ok, n}) end
ms = number.(0xFFFF_FFFF)

config :chat,
  ip: read.("CHAT_HOST", "127.0.0.1", &:inet.getaddr(to_charlist(&1), :inet)),
  port: read.("CHAT_PORT", "4000", number.(65_535)),
  backlog: read.("CHAT_BACKLOG", "4096", number.(65_535)),
  variant: System.get_env("CHAT_VARIANT", "default"),
  ping_interval_ms: read.("CHAT_PING_INTERVAL_MS", "30000", ms),
  idle_timeout_ms: read.("CHAT_IDLE_TIMEOUT_MS", "60000", ms),
  write_delay_ms: read.("CHAT_WRITE_DELAY_MS", "20", ms)

# Until the server serves: why it can't is one line that it says itself.
config :logger, level: :none
