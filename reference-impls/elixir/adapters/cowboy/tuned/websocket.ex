defmodule Chat.Listener.Tuned do
  @moduledoc """
  One connection of the variant `tuned`.

  - What waits in the mailbox goes out together: Cowboy makes one write of all commands that a
    callback returns.
  - Who has had nothing to do for a second hibernates, which gives back the memory of its heap and
    stack. To do so after each message, as short examples show it, costs a garbage collection each.
    The handshake is followed by one, as in the default.
  - Nothing of the request is kept: nobody asks for it again.
  """
  @behaviour :cowboy_websocket

  alias Chat.Listener.Websocket
  alias Chat.Session

  @batch_bytes 65_536
  @rest_after_ms 1_000

  # The session, and whether the connection hibernates, is about to, or has been busy since its
  # timer was set. A connection at rest has no timer.
  @typep state :: {Session.t(), :hibernating | :quiet | :busy}

  # What Cowboy keeps of a request by itself, for `terminate`, holds on to the whole head.
  @impl true
  def init(request, state) do
    with {:cowboy_websocket, request, user, options} <- Websocket.init(request, state) do
      {:cowboy_websocket, request, user, Map.put(options, :req_filter, fn _request -> %{} end)}
    end
  end

  @impl true
  defdelegate terminate(reason, request, state), to: Websocket

  @impl true
  def websocket_init(user) do
    {commands, state} = awake(Session.open(user), :hibernating)
    {commands, state, :hibernate}
  end

  @impl true
  def websocket_handle(frame, {session, rest}), do: awake(Session.frame(session, frame), rest)

  @impl true
  def websocket_info(:rest, {session, :quiet}), do: {[], {session, :hibernating}, :hibernate}

  def websocket_info(:rest, {session, :busy}) do
    Process.send_after(self(), :rest, @rest_after_ms)
    {[], {session, :quiet}}
  end

  def websocket_info(message, {session, rest}) do
    awake(published(session, message, @batch_bytes), rest)
  end

  # Takes more of what others published until `bytes` are reached, and one message more.
  @spec published(Session.t(), term, bytes :: pos_integer) :: Session.result()
  defp published(session, {:published, _place, _stay, text} = message, bytes)
       when byte_size(text) < bytes do
    {commands, session} = Session.info(session, message)

    receive do
      {:published, _place, _stay, _text} = next ->
        {more, session} = published(session, next, bytes - byte_size(text))
        {commands ++ more, session}
    after
      0 -> {commands, session}
    end
  end

  defp published(session, message, _bytes), do: Session.info(session, message)

  @spec awake(Session.result(), :hibernating | :quiet | :busy) :: {[Session.command()], state}
  defp awake({commands, session}, :hibernating) do
    Process.send_after(self(), :rest, @rest_after_ms)
    {commands, {session, :quiet}}
  end

  defp awake({commands, session}, _rest), do: {commands, {session, :busy}}
end
