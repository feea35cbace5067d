# Built with CHAT_DIRECTORY=rooms.
if Code.ensure_loaded?(Chat.Directory.Rooms) do
  defmodule Chat.RoomsTest do
    use ExUnit.Case, async: true

    import Chat.Frames

    alias Chat.Directory.Rooms
    alias Chat.Outbox

    setup context, do: %{room: "rooms-#{context.line}"}

    defp start_partition(delay_ms), do: start_supervised!({Rooms, delay_ms})

    # Straight to a partition of its own, which no other test makes busy.
    defp enter(partition, room, outbox \\ Outbox.new()) do
      GenServer.cast(partition, {:enter, room, self(), {7, outbox}})
    end

    defp say(partition, room, text), do: GenServer.cast(partition, {:say, room, text, nil})

    defp heard(room) do
      assert_receive {:frames, {:room, ^room}, 7, bytes, frames}, 5_000
      frames = IO.iodata_to_binary(frames)
      assert byte_size(frames) == bytes
      texts(frames)
    end

    test "what waits in the mailbox goes out together and in order", %{room: room} do
      partition = start_partition(0)
      enter(partition, room)
      :sys.suspend(partition)
      for text <- ~w(a b c), do: say(partition, room, text)
      :sys.resume(partition)
      assert heard(room) == ~w(a b c)
      say(partition, room, "d")
      assert heard(room) == ["d"]
    end

    test "but not without bound", %{room: room} do
      partition = start_partition(0)
      enter(partition, room)
      :sys.suspend(partition)
      text = String.duplicate("x", 30_000)
      for _ <- 1..5, do: say(partition, room, text)
      :sys.resume(partition)
      assert [3, 2] = for(_ <- 1..2, do: length(heard(room)))
    end

    test "a busy room keeps no other one waiting", %{room: room} do
      partition = start_partition(0)
      for room <- [room, "busy"], do: enter(partition, room)
      :sys.suspend(partition)
      say(partition, room, "a")
      for _ <- 1..2_000, do: say(partition, "busy", "b")
      :sys.resume(partition)
      assert heard(room) == ["a"]
      batches = for _ <- 1..4, do: length(heard("busy"))
      assert [511, 512, 512, 465] = batches
    end

    test "with a delay, what is said meanwhile goes with it", %{room: room} do
      partition = start_partition(1_000)
      for room <- [room, "other"], do: enter(partition, room)
      say(partition, room, "a")
      say(partition, "other", "b")
      :sys.get_state(partition)
      say(partition, room, "c")
      refute_received {:frames, _place, _stay, _bytes, _frames}
      assert heard(room) == ~w(a c)
      assert heard("other") == ["b"]
    end

    test "nothing waits any more once all is settled", %{room: room} do
      partition = start_partition(60_000)
      enter(partition, room)
      say(partition, room, "a")
      GenServer.call(partition, :settle)
      assert_received {:frames, {:room, ^room}, 7, _bytes, _frames}
    end

    test "a room of which the last member ended is forgotten", %{room: room} do
      partition = start_partition(60_000)
      test = self()

      member =
        spawn(fn ->
          Process.link(partition)
          enter(partition, room)
          say(partition, room, "a")
          send(test, {:rooms, :sys.get_state(partition).rooms})
        end)

      assert_receive {:rooms, %{^room => _log}}
      refute Process.alive?(member)
      assert %{rooms: rooms, places: places, spoken: spoken} = :sys.get_state(partition)
      assert {rooms, places, spoken} == {%{}, %{}, %{}}
    end

    test "a member that takes nothing is sent no more than 1 MiB", %{room: room} do
      partition = start_partition(0)
      outbox = Outbox.new()
      enter(partition, room, outbox)
      for _ <- 1..50, do: say(partition, room, String.duplicate("x", 60_000))
      GenServer.call(partition, :settle)
      assert {:message_queue_len, waiting} = Process.info(self(), :message_queue_len)
      assert waiting in 8..17
      assert :overflow = Outbox.take(outbox, 1)
    end
  end
end
