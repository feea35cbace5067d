import Config

read = fn name, default, wanted, parse ->
  value = System.get_env(name, default)

  case parse.(value) do
    {:ok, setting} ->
      setting

    _error ->
      IO.puts(:stderr, "chat: #{name} is #{inspect(value)}: give #{wanted}")
      System.halt(2)
  end
end

whole = fn name, default, least, most ->
  # Digits alone, no more than there can be: `Integer.parse` also takes a sign.
  parse = fn text ->
    with true <- text =~ ~r/\A[0-9]{1,20}\z/,
         number when number in least..most <- String.to_integer(text),
         do: {:ok, number}
  end

  read.(name, default, "a whole number from #{least} to #{most}", parse)
end

number = fn name, default, most -> whole.(name, default, 1, most) end

address = fn text ->
  host = to_charlist(text)
  with {:error, _not_v4} <- :inet.getaddr(host, :inet), do: :inet.getaddr(host, :inet6)
end

variant = System.get_env("CHAT_VARIANT", "default")
timer_ms_max = 0xFFFF_FFFF

config :chat,
  ip: read.("CHAT_HOST", "127.0.0.1", "an address", address),
  port: number.("CHAT_PORT", "4000", 65_535),
  backlog: number.("CHAT_BACKLOG", "4096", 65_535),
  variant: variant,
  faults: System.get_env("CHAT_FAULTS") == "1",
  ping_interval_ms: number.("CHAT_PING_INTERVAL_MS", "30000", timer_ms_max),
  idle_timeout_ms: number.("CHAT_IDLE_TIMEOUT_MS", "60000", timer_ms_max),
  work: whole.("CHAT_WORK", "0", 0, 1_000_000),
  # Read by the variant that is named for it alone.
  write_delay_ms:
    if(variant == "coalesced", do: number.("CHAT_WRITE_DELAY_MS", "20", 60_000), else: 0)

# Until the server serves: why it can't is one line that it says itself.
config :logger, level: :none
