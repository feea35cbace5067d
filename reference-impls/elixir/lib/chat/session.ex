defmodule Chat.Session do
  @moduledoc """
  What one connection decides, whatever web server it sits on.

  An adapter calls `open/2` from the connection's process, hands over what arrives, and carries out
  the commands that come back, in order. Nothing has to be called at the end: see `Chat.Janitor`.
  """

  alias Chat.{Directory, Faults, Outbox, Protocol, Work}

  @rooms_max 64
  # A node that stood still may hear of its timers before it hears of its sockets.
  @read_first_ms 100

  @enforce_keys [:user, :outbox, :last_sign_ms, :ping_interval_ms, :idle_timeout_ms]
  defstruct @enforce_keys ++ [work: 0, rooms: %{}]

  @opaque t :: %__MODULE__{}
  @type command ::
          {:text, binary}
          # Texts that a directory has joined, as WebSocket frames: see `directories/rooms`.
          | {:frames, bytes :: pos_integer, iodata}
          | :ping
          | {:close, code :: 1000..4999, reason :: binary}
  @type result :: {[command], t}

  @doc "A connection was made by `user`."
  @spec open(String.t(), keyword) :: result
  def open(user, settings \\ Application.get_all_env(:chat)) do
    session = %__MODULE__{
      user: user,
      outbox: Outbox.new(),
      last_sign_ms: now_ms(),
      ping_interval_ms: settings[:ping_interval_ms],
      idle_timeout_ms: settings[:idle_timeout_ms],
      work: settings[:work] || 0
    }

    Directory.enter({:user, user}, System.unique_integer(), session.outbox)
    Process.send_after(self(), :ping, session.ping_interval_ms)
    Process.send_after(self(), :check_idle, session.idle_timeout_ms)
    {[{:text, Protocol.welcome(user)}], session}
  end

  @doc "Asks a connection to close because the server stops."
  @spec drain(pid) :: :drain
  def drain(pid), do: send(pid, :drain)

  @doc "The client sent `{:text, text}`, `{:binary, bytes}`, or a ping or pong: all signs of life."
  @spec frame(t, term) :: result
  def frame(session, frame), do: handle(%{session | last_sign_ms: now_ms()}, frame)

  @doc "The connection's process received a message of another process, or of a timer."
  @spec info(t, term) :: result
  def info(session, {:published, place, stay, text}) do
    told(session, place, stay, byte_size(text), {:text, text})
  end

  def info(session, {:frames, place, stay, bytes, frames}) do
    told(session, place, stay, bytes, {:frames, bytes, frames})
  end

  def info(session, :ping) do
    Process.send_after(self(), :ping, session.ping_interval_ms)
    {[:ping], session}
  end

  def info(session, :check_idle) do
    left_ms = session.last_sign_ms + session.idle_timeout_ms - now_ms()

    if left_ms <= 0,
      do: Process.send_after(self(), {:still_idle, session.last_sign_ms}, @read_first_ms),
      else: Process.send_after(self(), :check_idle, left_ms)

    {[], session}
  end

  def info(%{last_sign_ms: since_ms} = session, {:still_idle, since_ms}) do
    {[{:close, 1001, "Heartbeat timeout"}], session}
  end

  def info(session, {:still_idle, _since_ms}), do: info(session, :check_idle)

  def info(session, :drain), do: {[{:close, 1012, "Server stops"}], session}

  # The directory died, and what it knew of this connection with it. Better closed than deaf.
  def info(session, {:EXIT, _pid, reason}) when reason != :normal do
    {[{:close, 1011, "Lost the directory"}], session}
  end

  def info(session, _message), do: {[], session}

  defp told(session, place, stay, bytes, command) do
    wanted? = wanted?(session, place, stay)

    case Outbox.take(session.outbox, bytes) do
      :ok when wanted? -> {[command], session}
      :ok -> {[], session}
      :overflow -> {[{:close, 1013, "Too slow"}], session}
    end
  end

  defp handle(session, {:text, text}) do
    case Protocol.parse(text) do
      {:ok, request} -> serve(request, session)
      {:bad_request, why} -> error(session, "bad_request", why)
      {:unknown, fields} -> unknown(session, fields)
      :malformed -> malformed(session)
    end
  end

  defp handle(session, {:binary, _bytes}), do: malformed(session)
  defp handle(session, _ping_or_pong), do: {[], session}

  defp serve({:join, room}, %{rooms: rooms} = session) when is_map_key(rooms, room) do
    {[{:text, Protocol.user_joined(room, session.user)}], session}
  end

  defp serve({:join, _room}, %{rooms: rooms} = session) when map_size(rooms) >= @rooms_max do
    error(session, "too_many_rooms", "a connection may be in #{@rooms_max} rooms")
  end

  # What others publish from now on waits in the mailbox, behind the commands returned here: so the
  # joiner's own user_joined is the first it hears of the room. Its own messages go the same way,
  # and are not lost when it leaves right after them.
  defp serve({:join, room}, session) do
    joined = Protocol.user_joined(room, session.user)
    stay = System.unique_integer()
    Directory.enter({:room, room}, stay, session.outbox)
    told = Directory.announce(room, joined, self())
    {[{:text, joined} | unless_told(told)], put_in(session.rooms[room], stay)}
  end

  defp serve({:leave, room}, %{rooms: rooms} = session) when is_map_key(rooms, room) do
    Directory.leave({:room, room})
    told = Directory.announce(room, Protocol.user_left(room, session.user), self())
    {unless_told(told), %{session | rooms: Map.delete(rooms, room)}}
  end

  defp serve({:message, room, content}, %{rooms: rooms} = session) when is_map_key(rooms, room) do
    Work.run(content, session.work)
    message = Protocol.message(room, session.user, content)
    told = Directory.publish(room, message, self())
    {[{:text, message} | unless_told(told)], session}
  end

  # To oneself: this connection hears it as the answer, before a close that may come next.
  defp serve({:direct, to, content}, %{user: to} = session) do
    text = Protocol.direct(to, content)
    told = Directory.direct(to, text, self())
    {[{:text, text} | unless_told(told)], session}
  end

  defp serve({:direct, to, content}, session) do
    case Directory.direct(to, Protocol.direct(session.user, content), self()) do
      :no_such_user -> error(session, "no_such_user", "nobody by that name is connected")
      told -> {unless_told(told), session}
    end
  end

  defp serve(:heartbeat, session), do: {[{:text, Protocol.heartbeat()}], session}

  defp serve(_leave_or_message, session) do
    error(session, "not_joined", "this connection is not in that room")
  end

  defp wanted?(_session, {:user, _name}, _stay), do: true
  defp wanted?(session, {:room, room}, stay), do: match?(%{^room => ^stay}, session.rooms)

  # Where there are several nodes, what is said may not reach all of them.
  defp unless_told(:unavailable) do
    [{:text, Protocol.error("unavailable", "another node may not have it: it can't be reached")}]
  end

  defp unless_told(_told), do: []

  defp error(session, code, message), do: {[{:text, Protocol.error(code, message)}], session}

  defp unknown(session, fields) do
    {Faults.commit(fields), session}
  end

  defp malformed(session), do: {[{:close, 1003, "Malformed message"}], session}

  defp now_ms, do: System.monotonic_time(:millisecond)
end
