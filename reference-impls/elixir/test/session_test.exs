defmodule Chat.SessionTest do
  use ExUnit.Case, async: true

  alias Chat.{Name, Protocol, Session}

  @settings [ping_interval_ms: 60_000, idle_timeout_ms: 60_000]

  # A connection as an adapter would run it: a process that hands everything to the session, and
  # keeps what comes back.
  defmodule Connection do
    use GenServer

    def open(user, settings), do: elem(GenServer.start(__MODULE__, {user, settings}), 1)
    def ask(pid, frame), do: GenServer.call(pid, frame)

    @doc "Everything said since the last call. What others sent before it has been handled by then."
    def said(pid) do
      Chat.Directory.settle()
      GenServer.call(pid, :said)
    end

    @impl true
    def init({user, settings}) do
      {commands, session} = Session.open(user, settings)
      {:ok, {session, commands}}
    end

    @impl true
    def handle_call(:said, _from, {session, said}), do: {:reply, said, {session, []}}

    def handle_call(frame, _from, {session, said}) do
      {commands, session} = Session.frame(session, frame)
      {:reply, commands, {session, said}}
    end

    @impl true
    def handle_info(message, {session, said}) do
      {commands, session} = Session.info(session, message)
      {:noreply, {session, said ++ Enum.flat_map(commands, &texts/1)}}
    end

    defp texts({:frames, _bytes, frames}),
      do: for(text <- Chat.Frames.texts(frames), do: {:text, text})

    defp texts(command), do: [command]
  end

  setup context do
    # Tests run at the same time: each has its own names.
    tag = to_string(context.line)
    %{room: "room-#{tag}", ann: "ann-#{tag}", bob: "bob-#{tag}"}
  end

  defp open(user \\ Name.random(), settings \\ @settings) do
    pid = Connection.open(user, settings)
    on_exit(fn -> Process.exit(pid, :kill) end)
    assert [{:text, welcome}] = Connection.said(pid)
    assert %{"type" => "welcome", "user" => ^user} = decode(welcome)
    pid
  end

  defp joined(user, room) do
    pid = open(user)
    assert %{"type" => "user_joined", "user" => ^user} = ask(pid, %{type: "join", room: room})
    pid
  end

  defp ask(pid, request), do: pid |> Connection.ask({:text, encode(request)}) |> only()

  defp said(pid), do: for({:text, text} <- Connection.said(pid), do: decode(text))

  defp only([{:text, text}]), do: decode(text)
  defp only(commands), do: commands

  defp encode(request) when is_binary(request), do: request
  defp encode(request), do: request |> Map.to_list() |> Protocol.encode()

  defp decode(text) do
    {:ok, message} = Protocol.decode(text)
    message
  end

  defp types(messages), do: for(%{"type" => type} <- messages, do: type)

  defp stay(pid, room) do
    {session, _said} = :sys.get_state(pid)
    Map.fetch!(session.rooms, room)
  end

  defp told_bytes({:published, _place, _stay, text}), do: byte_size(text)
  defp told_bytes({:frames, _place, _stay, bytes, _frames}), do: bytes
  defp told_bytes(_message), do: 0

  # The janitor announces a death a moment after others hear of it.
  defp await_types(pid, count, tries_left \\ 100) do
    case types(said(pid)) do
      types when length(types) >= count or tries_left == 0 ->
        types

      types ->
        Process.sleep(10)
        types ++ await_types(pid, count - length(types), tries_left - 1)
    end
  end

  defp kill(pid) do
    monitor = Process.monitor(pid)
    Process.exit(pid, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^pid, :killed}
  end

  describe "requests" do
    test "H5: who gives no name is given a UUIDv4" do
      assert Name.random() =~
               ~r/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    end

    test "C1: what is not JSON closes with 1003" do
      for text <- ["", "{", "\uFEFF{}", "{} x", "[NaN]", "{'a':1}", "[1,]", "//\n{}", "[01]"] do
        assert [{:close, 1003, "Malformed message"}] = open() |> Connection.ask({:text, text})
      end
    end

    test "F5: a binary message closes with 1003" do
      assert [{:close, 1003, "Malformed message"}] = open() |> Connection.ask({:binary, "x"})
    end

    test "C2, C3, C5: JSON that can't be served is a bad request" do
      requests = [
        "[]",
        "1",
        "{}",
        ~s({"type":1}),
        ~s({"type":"join"}),
        ~s({"type":"join","room":""})
      ]

      controls = for c <- ["\\u0000", "\\u007f", "\\u0085"], do: ~s({"type":"join","room":"#{c}"})
      contents = for c <- ["1", "null", "{}"], do: ~s({"type":"message","room":"a","content":#{c}})

      for request <- requests ++ controls ++ contents do
        assert %{"type" => "error", "code" => "bad_request"} = open() |> ask(request)
      end
    end

    test "C4, C6: unknown types and fields are ignored" do
      pid = open()
      assert [] = ask(pid, %{type: "nope"})
      assert %{"type" => "heartbeat"} = ask(pid, %{type: "heartbeat", room: 1})
    end

    test "N1: a name has 1 to 64 bytes" do
      assert Name.valid?(String.duplicate("é", 32))
      refute Name.valid?(String.duplicate("é", 33))
      refute Name.valid?(<<0xFF>>)
      refute Name.valid?(nil)
    end
  end

  describe "rooms" do
    test "R2, R3: a join is announced to all, a second one to the joiner", %{room: room} = names do
      ann = joined(names.ann, room)
      bob = joined(names.bob, room)
      assert [%{"type" => "user_joined", "user" => user}] = said(ann)
      assert user == names.bob
      assert %{"type" => "user_joined"} = ask(bob, %{type: "join", room: room})
      assert [] = said(ann)
    end

    test "R4: a connection may be in 64 rooms", %{room: room} do
      pid = open()
      for n <- 1..64, do: ask(pid, %{type: "join", room: "#{room}-#{n}"})
      assert %{"code" => "too_many_rooms"} = ask(pid, %{type: "join", room: room})
      assert %{"type" => "user_joined"} = ask(pid, %{type: "join", room: "#{room}-7"})
    end

    test "R5, R8: only members leave and speak", %{room: room} do
      pid = open()
      assert %{"code" => "not_joined"} = ask(pid, %{type: "leave", room: room})
      assert %{"code" => "not_joined"} = ask(pid, %{type: "message", room: room, content: "x"})
    end

    test "R6: after a leave nothing of the room is heard", %{room: room} = names do
      ann = joined(names.ann, room)
      bob = joined(names.bob, room)
      assert [] = ask(bob, %{type: "leave", room: room})
      assert ["user_joined", "user_left"] = types(said(ann))
      ask(ann, %{type: "message", room: room, content: "later"})
      assert [] = said(bob)
    end

    test "R6: a membership does not hear what was meant for an earlier one", %{room: room} do
      pid = open()
      ask(pid, %{type: "join", room: room})
      old_stay = stay(pid, room)
      for type <- ~w(leave join), do: ask(pid, %{type: type, room: room})
      # It was in the mailbox when the connection left.
      send(pid, {:published, {:room, room}, old_stay, "old"})
      send(pid, {:published, {:room, room}, stay(pid, room), "new"})
      assert [{:text, "new"}] = Connection.said(pid)
    end

    test "R7: a killed connection has left", %{room: room} = names do
      ann = joined(names.ann, room)
      bob = joined(names.bob, room)
      kill(bob)
      assert "user_left" in await_types(ann, 2)
    end

    test "R9, R10: messages arrive in order, whatever their content", %{room: room} = names do
      ann = joined(names.ann, room)
      bob = joined(names.bob, room)
      contents = ["", "\0", "\u2028\uFFFF😀"] ++ for n <- 1..100, do: to_string(n)
      answers = for c <- contents, do: ask(ann, %{type: "message", room: room, content: c})
      assert contents == for(%{"content" => content} <- said(bob), do: content)
      assert contents == for(%{"content" => content} <- answers, do: content)
    end
  end

  describe "direct messages" do
    test "D1: every connection of the user gets one", names do
      bobs = [open(names.bob), open(names.bob)]
      assert [] = open(names.ann) |> ask(%{type: "direct", to: names.bob, content: "hi"})
      for bob <- bobs, do: assert([%{"type" => "direct", "content" => "hi"}] = said(bob))
    end

    test "D1, F11: one's own comes as the answer, before a close", names do
      [ann, other_ann] = [open(names.ann), open(names.ann)]
      request = %{type: "direct", to: names.ann, content: "me"}
      assert %{"type" => "direct", "content" => "me"} = ask(ann, request)
      assert [%{"type" => "direct", "content" => "me"}] = said(other_ann)
      assert [] = said(ann)
    end

    test "D2: nobody by that name", names do
      ann = open(names.ann)
      request = %{type: "direct", to: names.bob, content: "hi"}
      assert %{"code" => "no_such_user"} = ask(ann, request)
      open(names.bob) |> kill()
      assert %{"code" => "no_such_user"} = ask(ann, request)
    end
  end

  describe "life" do
    test "L1, L2: pings, and closes after silence" do
      pid = open(Name.random(), ping_interval_ms: 20, idle_timeout_ms: 200)
      Process.sleep(2_000)
      assert [:ping, :ping | rest] = Connection.said(pid)
      assert {:close, 1001, "Heartbeat timeout"} in rest
    end

    test "L2: any frame is a sign of life" do
      pid = open(Name.random(), ping_interval_ms: 60_000, idle_timeout_ms: 3_000)

      # Each well within the timeout, also on a machine that is a second late; together beyond it.
      for frame <- [:ping, {:pong, "x"}, {:text, ~s({"type":"nope"})}] do
        Process.sleep(1_200)
        assert [] = Connection.ask(pid, frame)
      end

      assert [] = Connection.said(pid)
    end

    test "L3: who does not read is closed, and no more than 1 MiB waits", %{room: room} = names do
      ann = joined(names.ann, room)
      bob = joined(names.bob, room)
      :sys.suspend(bob)
      request = %{type: "message", room: room, content: String.duplicate("x", 60_000)}
      for _ <- 1..50, do: ask(ann, request)
      Chat.Directory.settle()
      assert {:messages, waiting} = Process.info(bob, :messages)
      bytes = waiting |> Enum.map(&told_bytes/1) |> Enum.sum()
      assert bytes in 900_000..1_048_576
      :sys.resume(bob)
      assert [{:close, 1013, "Too slow"} | _] = Connection.said(bob)
    end

    test "L5: a drain closes with 1012" do
      pid = open()
      Session.drain(pid)
      assert [{:close, 1012, _}] = Connection.said(pid)
    end
  end
end
