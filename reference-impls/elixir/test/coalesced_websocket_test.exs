defmodule Chat.CoalescedWebsocketTest do
  use ExUnit.Case, async: true

  alias Chat.Listener.Coalesced

  setup context do
    user = "coalesced-#{context.line}"
    assert {[{:text, _welcome}], state, :hibernate} = Coalesced.websocket_init(user)
    %{user: user, state: state}
  end

  # As the directory delivers, but for what the outbox counts; in a callback of its own.
  defp deliver(state, user, text) do
    Coalesced.websocket_info({:published, {:user, user}, 7, text}, state)
  end

  test "deliveries wait for others, and leave in order once it is time", names do
    assert {[], state} = deliver(names.state, names.user, "a")
    assert {[], state} = deliver(state, names.user, "b")
    assert_receive :write, 5_000
    assert {[{:text, "a"}, {:text, "b"}], state} = Coalesced.websocket_info(:write, state)
    assert {[], state} = deliver(state, names.user, "c")
    assert_receive :write, 5_000
    assert {[{:text, "c"}], _state} = Coalesced.websocket_info(:write, state)
    refute_received :write
  end

  test "no more than 64 KiB wait", %{user: user, state: state} do
    text = String.duplicate("x", 30_000)
    assert {[], state} = deliver(state, user, text)
    assert {[], state} = deliver(state, user, text)
    assert {[_, _, _], _state} = deliver(state, user, text)
  end

  test "who asks is answered at once, behind what waits", %{user: user, state: state} do
    assert {[], state} = deliver(state, user, "a")
    heartbeat = {:text, ~s({"type":"heartbeat"})}
    assert {[{:text, "a"}, {:text, answer}], state} = Coalesced.websocket_handle(heartbeat, state)
    assert answer =~ "heartbeat"
    # The timer finds nothing left to write.
    assert_receive :write, 5_000
    assert {[], _state} = Coalesced.websocket_info(:write, state)
  end

  test "a close comes behind what waits", %{user: user, state: state} do
    assert {[], state} = deliver(state, user, "a")
    assert {[{:text, "a"}, {:close, 1012, _}], _state} = Coalesced.websocket_info(:drain, state)
  end

  test "a connection hibernates as a tuned one does", %{state: state} do
    assert_receive :rest, 5_000
    assert {[], _state, :hibernate} = Coalesced.websocket_info(:rest, state)
  end
end
