# Built with CHAT_DIRECTORY=rooms.
if Code.ensure_loaded?(Chat.Directory.Log) do
  defmodule Chat.RoomLogTest do
    use ExUnit.Case, async: true

    alias Chat.Directory.Log

    # Any process identifier will do: a log sends nothing.
    @pids for n <- 1..6, do: :erlang.list_to_pid(~c"<0.#{n}.99>")
    @rounds 300
    @steps 60

    defp heard(log) do
      {deliveries, log} = Log.turn(log)

      texts =
        Map.new(deliveries, fn {pid, _member, bytes, frames} ->
          text = IO.iodata_to_binary(frames)
          assert byte_size(text) == bytes
          {pid, text}
        end)

      {texts, log}
    end

    test "all members are given the same binary" do
      [ann, bob | _] = @pids
      log = %Log{} |> Log.enter(ann, :a) |> Log.enter(bob, :b)
      log = log |> Log.say(["he", "llo"], self()) |> Log.say(" there", self())
      {deliveries, log} = Log.turn(log)
      assert [{^ann, :a, 11, chunk}, {^bob, :b, 11, chunk}] = Enum.sort(deliveries)
      assert chunk == "hello there"
      assert {[], _log} = Log.turn(log)
    end

    test "who says something does not hear it, and who joins hears what comes later" do
      [ann, bob, carl | _] = @pids
      log = %Log{} |> Log.enter(ann, :a) |> Log.enter(bob, :b)
      log = log |> Log.say("1", ann) |> Log.say("2", bob) |> Log.enter(carl, :c)
      log = log |> Log.say("3", ann) |> Log.say("4", carl)
      assert {%{^ann => "24", ^bob => "134", ^carl => "3"}, log} = heard(log)

      assert {%{^ann => "5", ^bob => "5", ^carl => "5"}, _log} =
               log |> Log.say("5", self()) |> heard()
    end

    test "who leaves is given nothing more, and begins anew when it comes back" do
      [ann, bob | _] = @pids
      log = %Log{} |> Log.enter(ann, 1) |> Log.enter(bob, 1) |> Log.say("1", ann)
      log = log |> Log.leave(bob) |> Log.say("2", bob) |> Log.enter(bob, 2) |> Log.say("3", ann)
      assert {[{^ann, 1, 1, ["2"]}, {^bob, 2, 1, ["3"]}], _log} = log |> Log.turn() |> sorted()
    end

    defp sorted({deliveries, log}), do: {Enum.sort(deliveries), log}

    test "a log that is empty has no members" do
      [ann | _] = @pids
      assert Log.empty?(%Log{})
      refute %Log{} |> Log.enter(ann, 1) |> Log.empty?()
      assert %Log{} |> Log.enter(ann, 1) |> Log.leave(ann) |> Log.empty?()
    end

    # The oracle keeps a text a member, to which each message is appended.
    test "whatever happens, each hears what one list a member would have had" do
      for round <- 1..@rounds do
        :rand.seed(:exsss, round)
        Enum.reduce(1..@steps, {%Log{}, %{}}, &step/2)
      end
    end

    defp step(number, {log, lists}) do
      pid = Enum.random(@pids)

      case :rand.uniform(10) do
        1 when not is_map_key(lists, pid) -> {Log.enter(log, pid, number), Map.put(lists, pid, "")}
        2 -> {Log.leave(log, pid), Map.delete(lists, pid)}
        3 -> turn(log, lists)
        _say -> {Log.say(log, "#{number};", pid), append(lists, "#{number};", pid)}
      end
    end

    defp turn(log, lists) do
      {texts, log} = heard(log)
      assert texts == Map.reject(lists, fn {_pid, text} -> text == "" end)
      {log, Map.new(lists, fn {pid, _text} -> {pid, ""} end)}
    end

    defp append(lists, text, except) do
      Map.new(lists, fn
        {^except, heard} -> {except, heard}
        {pid, heard} -> {pid, heard <> text}
      end)
    end
  end
end
