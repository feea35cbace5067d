# `:pg` has no registry.
if System.get_env("CHAT_DIRECTORY") != "pg" do
  defmodule Chat.ConnectionsTest do
    use ExUnit.Case, async: true

    alias Chat.Directory.Connections
    alias Chat.Outbox

    setup context, do: %{place: {:user, "connections-#{context.line}"}}

    # A process that is there until the test ends, or it is told to leave.
    defp connection(place) do
      test = self()

      task = fn ->
        Connections.enter(place, 7, Outbox.new())
        send(test, :entered)
        receive do: (:leave -> Connections.leave(place))
        send(test, :left)
        Process.sleep(:infinity)
      end

      pid = start_supervised!({Task, task}, id: make_ref())
      assert_receive :entered, 5_000
      pid
    end

    test "a delivery says how many it reached, and what it was about", %{place: place} do
      assert Connections.deliver(place, "a") == 0
      Connections.enter(place, 7, Outbox.new())
      connection(place)
      assert Connections.deliver(place, "b") == 2
      assert_received {:published, ^place, 7, "b"}
    end

    test "who says it is not told", %{place: place} do
      Connections.enter(place, 7, Outbox.new())
      assert Connections.deliver(place, "a", self()) == 0
      refute_received {:published, _place, _stay, _text}
    end

    test "who has left is not counted", %{place: place} do
      pid = connection(place)
      send(pid, :leave)
      assert_receive :left, 5_000
      assert Connections.deliver(place, "a") == 0
    end

    test "who has ended is not counted, though the registry may not know", %{place: place} do
      pid = connection(place)
      Process.exit(pid, :kill)
      refute Process.alive?(pid)
      assert Connections.deliver(place, "a") == 0
    end

    test "all has each connection, by its user", %{place: place} do
      pid = connection(place)
      connection({:room, "connections"})
      assert pid in Connections.all()
    end
  end
end
