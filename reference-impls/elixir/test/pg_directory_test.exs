defmodule Chat.PgDirectoryTest do
  # The scope dies for everyone.
  use ExUnit.Case, async: false

  alias Chat.{Directory, Outbox}

  @moduletag :pg

  # A process that is in places and passes on what it is told.
  defp member(places) do
    test = self()

    pid =
      spawn_link(fn ->
        outbox = Outbox.new()
        for place <- places, do: Directory.enter(place, 7, outbox)
        send(test, {:entered, self()})
        pass_on(test)
      end)

    assert_receive {:entered, ^pid}
    pid
  end

  defp pass_on(test) do
    receive do
      {:leave, place} ->
        Directory.leave(place)
        send(test, {:left, self()})

      {:published, place, stay, text} ->
        send(test, {self(), place, stay, text})
    end

    pass_on(test)
  end

  defp members(place), do: :pg.get_local_members(Directory.Scope, place)

  defp kill_scope do
    scope = Process.whereis(Directory.Scope)
    keeper = Process.monitor(Directory.Keeper)
    Process.exit(scope, :kill)
    assert_receive {:DOWN, ^keeper, :process, _pid, _reason}
    await(fn -> Process.whereis(Directory.Keeper) != nil and :sys.get_state(Directory.Keeper) end)
  end

  defp await(true?, tries_left \\ 500) do
    if tries_left == 0, do: flunk("it did not come to pass")

    unless true?.() do
      Process.sleep(10)
      await(true?, tries_left - 1)
    end
  end

  test "members of a scope that died are told again, each once" do
    ann = member([{:user, "ann"}, {:room, "pg"}])
    kill_scope()
    assert members({:room, "pg"}) == [ann]
    Directory.publish("pg", "hello", self())
    assert_receive {^ann, {:room, "pg"}, 7, "hello"}
    assert :ok = Directory.direct("ann", "psst", self())
    assert_receive {^ann, {:user, "ann"}, 7, "psst"}
    refute_received {^ann, _place, _stay, _text}
  end

  test "who left or died before the scope did is not brought back" do
    ann = member([{:user, "ann-2"}, {:room, "pg-2"}])
    bob = member([{:user, "bob-2"}, {:room, "pg-2"}])
    send(ann, {:leave, {:room, "pg-2"}})
    assert_receive {:left, ^ann}
    Process.unlink(bob)
    Process.exit(bob, :kill)
    await(fn -> bob not in Directory.connections() end)
    kill_scope()
    assert members({:room, "pg-2"}) == []
    assert members({:user, "ann-2"}) == [ann]
    assert :no_such_user = Directory.direct("bob-2", "psst", self())
  end
end
