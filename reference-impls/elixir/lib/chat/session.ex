defmodule Chat.Session do
  @moduledoc """
  What one connection decides, whatever web server it sits on.

  An adapter calls `open/2` from the connection's process, hands over what arrives, and carries out
  the commands that come back, in order. Nothing has to be called at the end: see `Chat.Janitor`.
  """

  alias Chat.{Event, Name, Outbox, Request, Rooms, Users}

  @rooms_max 64

  @enforce_keys [:user, :outbox, :last_sign_ms, :ping_interval_ms, :idle_timeout_ms, :meter]
  defstruct @enforce_keys ++ [bytes: 0, rooms: %{}, joins: 0]

  @opaque t :: %__MODULE__{}
  @type command :: {:text, binary} | :ping | {:close, code :: 1000..4999, reason :: binary}
  @type result :: {[command], t}
  @typedoc """
  Answers how many bytes the client has sent. Any frame is a sign of life, a fragment too, but web
  servers tell only of whole messages.
  """
  @type meter :: (() -> non_neg_integer)

  @doc "A connection was made by `user`, who may have given no name."
  @spec open(String.t() | nil, meter, keyword) :: result
  def open(user, meter, settings \\ Application.get_all_env(:chat)) do
    session = %__MODULE__{
      user: user || Name.random(),
      outbox: Outbox.new(),
      last_sign_ms: now_ms(),
      ping_interval_ms: settings[:ping_interval_ms],
      idle_timeout_ms: settings[:idle_timeout_ms],
      meter: meter
    }

    Users.enter(session.user, session.outbox)
    Process.send_after(self(), :ping, session.ping_interval_ms)
    Process.send_after(self(), :check_idle, session.idle_timeout_ms)
    {[{:text, Event.welcome(session.user)}], session}
  end

  @doc "Asks a connection to close because the server stops."
  @spec drain(pid) :: :drain
  def drain(pid), do: send(pid, :drain)

  @doc "A text message arrived."
  @spec text(t, binary) :: result
  def text(session, text) do
    case Request.parse(text) do
      {:ok, request} -> serve(request, session)
      {:bad_request, why} -> error(session, "bad_request", why)
      :unknown -> {[], session}
      :malformed -> malformed(session)
    end
  end

  @doc "A binary message arrived."
  @spec binary(t) :: result
  def binary(session), do: malformed(session)

  @doc "The connection's process received a message of another process, or of a timer."
  @spec info(t, term) :: result
  def info(session, {:room, room, membership, text}) do
    deliver(session, text, match?(%{^room => ^membership}, session.rooms))
  end

  def info(session, {:direct, text}), do: deliver(session, text, true)

  def info(session, :ping) do
    Process.send_after(self(), :ping, session.ping_interval_ms)
    {[:ping], read_meter(session)}
  end

  def info(session, :check_idle) do
    session = read_meter(session)
    left_ms = session.last_sign_ms + session.idle_timeout_ms - now_ms()

    if left_ms <= 0 do
      {[{:close, 1001, "Heartbeat timeout"}], session}
    else
      Process.send_after(self(), :check_idle, left_ms)
      {[], session}
    end
  end

  def info(session, :drain), do: {[{:close, 1012, "Server stops"}], session}

  # A registry died, and what it knew of this connection with it. Better closed than alive and deaf.
  def info(session, {:EXIT, _pid, reason}) when reason != :normal do
    {[{:close, 1011, "Lost the registry"}], session}
  end

  def info(session, _message), do: {[], session}

  defp serve({:join, room}, %{rooms: rooms} = session) when is_map_key(rooms, room) do
    {[{:text, Event.user_joined(room, session.user)}], session}
  end

  defp serve({:join, _room}, %{rooms: rooms} = session) when map_size(rooms) >= @rooms_max do
    error(session, "too_many_rooms", "a connection may be in #{@rooms_max} rooms")
  end

  # What others publish from now on waits in the mailbox, behind the commands returned here: so the
  # joiner's own user_joined is the first it hears of the room. Its own messages go the same way,
  # and are not lost when it leaves right after them.
  defp serve({:join, room}, session) do
    joined = Event.user_joined(room, session.user)
    membership = session.joins + 1
    Rooms.join(room, membership, session.outbox)
    Rooms.publish(room, joined, self())
    rooms = Map.put(session.rooms, room, membership)
    {[{:text, joined}], %{session | rooms: rooms, joins: membership}}
  end

  defp serve({:leave, room}, %{rooms: rooms} = session) when is_map_key(rooms, room) do
    Rooms.leave(room)
    Rooms.publish(room, Event.user_left(room, session.user), self())
    {[], %{session | rooms: Map.delete(rooms, room)}}
  end

  defp serve({:message, room, content}, %{rooms: rooms} = session) when is_map_key(rooms, room) do
    message = Event.message(room, session.user, content)
    Rooms.publish(room, message, self())
    {[{:text, message}], session}
  end

  defp serve({:direct, to, content}, session) do
    case Users.deliver(to, Event.direct(session.user, content)) do
      :ok -> {[], session}
      :no_such_user -> error(session, "no_such_user", "nobody by that name is connected")
    end
  end

  defp serve(:heartbeat, session), do: {[{:text, Event.heartbeat()}], session}

  defp serve(_leave_or_message, session) do
    error(session, "not_joined", "this connection is not in that room")
  end

  defp deliver(session, text, wanted?) do
    case Outbox.take(session.outbox, byte_size(text)) do
      :ok when wanted? -> {[{:text, text}], session}
      :ok -> {[], session}
      :overflow -> {[{:close, 1013, "Too slow"}], session}
    end
  end

  defp error(session, code, message), do: {[{:text, Event.error(code, message)}], session}

  defp malformed(session), do: {[{:close, 1003, "Malformed message"}], session}

  # Bytes are a sign of life of some moment since the meter was read: an idle client is closed late
  # by up to a ping interval, and never early.
  defp read_meter(session) do
    case session.meter.() do
      bytes when bytes == session.bytes -> session
      bytes -> %{session | bytes: bytes, last_sign_ms: now_ms()}
    end
  end

  defp now_ms, do: System.monotonic_time(:millisecond)
end
