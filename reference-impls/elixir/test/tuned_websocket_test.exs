defmodule Chat.TunedWebsocketTest do
  use ExUnit.Case, async: true

  alias Chat.Listener.Tuned
  alias Chat.Outbox

  setup context do
    user = "tuned-#{context.line}"
    assert {[{:text, _welcome}], state, :hibernate} = Tuned.websocket_init(user)
    %{user: user, state: state}
  end

  # As the directory delivers, but for what the outbox counts.
  defp deliver(user, text), do: send(self(), {:published, {:user, user}, 7, text})

  defp handle_next(state) do
    assert_received {:published, _place, _stay, _text} = message
    Tuned.websocket_info(message, state)
  end

  test "what waits goes out together and in order", %{user: user, state: state} do
    for text <- ~w(a b c), do: deliver(user, text)
    assert {[{:text, "a"}, {:text, "b"}, {:text, "c"}], _state} = handle_next(state)
  end

  test "but not without bound", %{user: user, state: state} do
    text = String.duplicate("x", 30_000)
    for _ <- 1..5, do: deliver(user, text)
    assert {[_, _, _], state} = handle_next(state)
    assert {[_, _], _state} = handle_next(state)
  end

  test "other messages stay where they are", %{user: user, state: state} do
    deliver(user, "a")
    send(self(), :drain)
    deliver(user, "b")
    assert {[{:text, "a"}, {:text, "b"}], state} = handle_next(state)
    assert_received :drain
    assert {[{:close, 1012, _}], _state} = Tuned.websocket_info(:drain, state)
  end

  test "a connection hibernates after a second without anything to do", %{state: state} do
    assert_receive :rest, 5_000
    assert {[], state, :hibernate} = Tuned.websocket_info(:rest, state)
    # Whatever wakes it sets the timer anew.
    assert {[], state} = Tuned.websocket_handle({:pong, ""}, state)
    assert_receive :rest, 5_000
    assert {[], _state, :hibernate} = Tuned.websocket_info(:rest, state)
  end

  test "who was busy meanwhile goes on", %{state: state} do
    assert {[], state} = Tuned.websocket_handle({:pong, ""}, state)
    assert_receive :rest, 5_000
    assert {[], state} = Tuned.websocket_info(:rest, state)
    assert_receive :rest, 5_000
    assert {[], _state, :hibernate} = Tuned.websocket_info(:rest, state)
  end

  test "too much at once is a slow consumer's end", %{user: user, state: {session, _} = state} do
    Outbox.put(session.outbox, self(), 2 * 1_048_576, :never_sent)
    deliver(user, "a")
    assert {[{:close, 1013, _}], _state} = handle_next(state)
  end
end
