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

address = &:inet.getaddr(to_charlist(&1), :inet)
number = &with({number, ""} when number > 0 <- Integer.parse(&1), do: {:ok, number})

config :chat,
  address: read.("CHAT_HOST", "127.0.0.1", address),
  port: read.("CHAT_PORT", "4000", number),
  tuned?: System.get_env("CHAT_VARIANT") == "tuned",
  ping_interval_ms: read.("CHAT_PING_INTERVAL_MS", "30000", number),
  idle_timeout_ms: read.("CHAT_IDLE_TIMEOUT_MS", "60000", number)

# Until the server serves: why it can't is one line that it says itself.
config :logger, level: :none
