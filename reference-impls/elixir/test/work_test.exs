defmodule Chat.WorkTest do
  # Changes the environment that the settings are read from.
  use ExUnit.Case

  alias Chat.{Session, Work}

  # The same vectors are in reference-impls/node-ws/tests/work.test.js: both compute the same.
  @vectors [
    {"", 1, 0x811C9DC5},
    {"a", 1, 0xE40C292C},
    {"foobar", 1, 0xBF9CF968},
    {"", 5, 0x811C9DC5},
    {"chinwag", 3, 3_299_556_920},
    {"grüße", 2, 833_950_483}
  ]

  for {text, rounds, hash} <- @vectors do
    test "FNV-1a of #{inspect(text)} in #{rounds} rounds" do
      Work.run(unquote(text), unquote(rounds))
      assert Process.get(Work) == unquote(hash)
    end
  end

  # What a session computes for the content `a`, if anything.
  defp computed(work) do
    settings = [ping_interval_ms: 60_000, idle_timeout_ms: 60_000, work: work]
    {_welcome, session} = Session.open("worker-#{work}", settings)
    {_joined, session} = Session.frame(session, {:text, ~s({"type":"join","room":"work"})})
    message = ~s({"type":"message","room":"work","content":"a"})
    assert {[{:text, _message}], _session} = Session.frame(session, {:text, message})
    Process.get(Work)
  end

  test "a room message is computed on where that is asked for" do
    assert computed(1) == 0xE40C292C
  end

  # One session a test: the janitor knows a connection by its process.
  for rounds <- [0, nil] do
    test "and not without it: #{inspect(rounds)}" do
      assert computed(unquote(rounds)) == nil
    end
  end

  test "CHAT_WORK is 0 without the setting" do
    on_exit(fn -> System.delete_env("CHAT_WORK") end)
    assert Config.Reader.read!("config/runtime.exs")[:chat][:work] == 0
    System.put_env("CHAT_WORK", "90")
    assert Config.Reader.read!("config/runtime.exs")[:chat][:work] == 90
  end
end
