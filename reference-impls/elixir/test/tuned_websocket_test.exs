defmodule Chat.TunedWebsocketTest do
  # Changes the environment that a connection reads.
  use ExUnit.Case

  import Chat.Frames

  alias Chat.Listener.{Transport, Tuned}
  alias Chat.Outbox

  @heartbeat {:text, ~s({"type":"heartbeat"})}

  setup context do
    Application.put_env(:chat, :write_delay_ms, context[:delay_ms] || 0)
    on_exit(fn -> Application.delete_env(:chat, :write_delay_ms) end)
    {:ok, listener} = :gen_tcp.listen(0, mode: :binary, active: false)
    {:ok, port} = :inet.port(listener)
    {:ok, client} = :gen_tcp.connect({127, 0, 0, 1}, port, mode: :binary, active: false)
    {:ok, socket} = :gen_tcp.accept(listener)
    {:ok, socket} = Transport.handshake(socket, 5_000)
    user = "tuned-#{context.line}"
    assert {[{:text, _welcome}], state, :hibernate} = Tuned.websocket_init(user)
    %{user: user, state: state, client: client, socket: socket}
  end

  # As the directory delivers, but for what the outbox counts.
  defp deliver(user, text), do: send(self(), {:published, {:user, user}, 7, text})

  defp deliver_frames(user, texts) do
    frames = for text <- texts, do: :cow_ws.frame({:text, text}, %{})
    send(self(), {:frames, {:user, user}, 7, IO.iodata_length(frames), frames})
  end

  defp handle_next(state) do
    assert_receive message when elem(message, 0) in [:published, :frames], 5_000
    Tuned.websocket_info(message, state)
  end

  defp written(client) do
    case :gen_tcp.recv(client, 0, 100) do
      {:ok, frames} -> texts(frames)
      {:error, :timeout} -> []
    end
  end

  test "what waits goes out together and in order", %{user: user, state: state, client: client} do
    deliver(user, "a")
    deliver_frames(user, ["b", "c"])
    deliver(user, "d")
    assert {[], _state} = handle_next(state)
    assert written(client) == ~w(a b c d)
  end

  test "but not without bound", %{user: user, state: state, client: client} do
    text = String.duplicate("x", 30_000)
    for _ <- 1..5, do: deliver(user, text)
    assert {[], state} = handle_next(state)
    {:ok, _three} = :gen_tcp.recv(client, 3 * 30_004, 5_000)
    assert written(client) == []
    assert {[], _state} = handle_next(state)
    {:ok, _two} = :gen_tcp.recv(client, 2 * 30_004, 5_000)
  end

  test "other messages stay where they are", %{user: user, state: state, client: client} do
    deliver(user, "a")
    send(self(), :drain)
    deliver(user, "b")
    assert {[], state} = handle_next(state)
    assert written(client) == ~w(a b)
    assert_received :drain
    assert {[{:close, 1012, _}], _state} = Tuned.websocket_info(:drain, state)
  end

  test "answers wait until the mailbox is empty", %{user: user, state: state, client: client} do
    assert {[], state} = Tuned.websocket_handle(@heartbeat, state)
    assert {[], state} = Tuned.websocket_handle(@heartbeat, state)
    assert_received :write
    refute_received :write
    assert {[], state} = Tuned.websocket_info(:write, state)
    assert [_, _] = written(client)
    # What others said takes them along.
    assert {[], state} = Tuned.websocket_handle(@heartbeat, state)
    deliver(user, "a")
    assert {[], state} = handle_next(state)
    assert [_heartbeat, "a"] = written(client)
    assert {[], _state} = Tuned.websocket_info(:write, state)
    assert written(client) == []
  end

  test "what Cowboy sends goes behind what waits", names do
    assert {[], _state} = Tuned.websocket_handle(@heartbeat, names.state)
    :ok = Transport.send(names.socket, :cow_ws.frame({:text, "Cowboy's"}, %{}))
    assert [_heartbeat, "Cowboy's"] = written(names.client)
  end

  @tag delay_ms: 50
  test "with a delay, directs and answers wait for it", %{user: user, state: state} = names do
    assert {[], state} = Tuned.websocket_handle(@heartbeat, state)
    deliver(user, "a")
    assert {[], state} = handle_next(state)
    assert written(names.client) == []
    assert_receive :write, 5_000
    assert {[], state} = Tuned.websocket_info(:write, state)
    assert [_heartbeat, "a"] = written(names.client)
    # A room's frames have had their delay.
    deliver(user, "b")
    assert {[], state} = handle_next(state)
    deliver_frames(user, ["c"])
    assert {[], _state} = handle_next(state)
    assert written(names.client) == ~w(b c)
  end

  @tag delay_ms: 60_000
  test "a close waits for no delay", %{user: user, state: state, client: client} = names do
    deliver(user, "a")
    assert {[], state} = handle_next(state)
    assert {[{:close, 1012, _}], state} = Tuned.websocket_info(:drain, state)
    :ok = Transport.send(names.socket, :cow_ws.frame({:text, "in the place of a close"}, %{}))
    assert ["a", _close] = written(client)
    # Nor does one's own end.
    deliver(user, "b")
    assert {[], state} = handle_next(state)
    assert :ok = Tuned.terminate({:error, :closed}, %{}, state)
    assert written(client) == ["b"]
  end

  test "who can't be written to is stopped", %{user: user, state: state, socket: socket} do
    :ok = :gen_tcp.close(socket)
    deliver(user, "a")
    assert {:stop, _state} = handle_next(state)
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

  test "too much at once is a slow consumer's end", %{user: user, state: state} do
    Outbox.put(state.session.outbox, self(), 2 * 1_048_576, :never_sent)
    deliver(user, "a")
    assert {[{:close, 1013, _}], _state} = handle_next(state)
  end
end
