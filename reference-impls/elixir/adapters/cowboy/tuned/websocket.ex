defmodule Chat.Listener.Tuned do
  @moduledoc """
  One connection of the variants `tuned` and `coalesced`.

  - All that is said to it goes out in one write a turn: what waits in the mailbox is taken as a
    whole, and its own answers wait (in `Chat.Listener.Transport`) until the mailbox is empty, or 64
    KiB are together.
  - With a write delay, answers and what it is told directly wait for the next frames of a room,
    which have had their delay, or at most for as long.
  - Who has had nothing to do for a second hibernates, which gives back the memory of its heap and
    stack. To do so after each message, as short examples show it, costs a garbage collection each.
    The handshake is followed by one, as in the default.
  - Nothing of the request is kept: nobody asks for it again.
  """
  @behaviour :cowboy_websocket

  alias Chat.Listener.{Transport, Websocket}
  alias Chat.Session

  @batch_bytes 65_536
  @rest_after_ms 1_000

  # `rest` says whether the connection hibernates, is about to, or has been busy since its timer was
  # set; at rest it has no timer. `due?`: a `:write` is on its way to this process.
  @enforce_keys [:session, :delay_ms]
  defstruct @enforce_keys ++ [rest: :hibernating, due?: false]

  # What Cowboy keeps of a request by itself, for `terminate`, holds on to the whole head.
  @impl true
  def init(request, state) do
    with {:cowboy_websocket, request, user, options} <- Websocket.init(request, state) do
      {:cowboy_websocket, request, user, Map.put(options, :req_filter, fn _request -> %{} end)}
    end
  end

  # Who has ended its own side may still read.
  @impl true
  def terminate(reason, request, state) do
    Transport.flush()
    Websocket.terminate(reason, request, state)
  end

  @impl true
  def websocket_init(user) do
    {commands, session} = Session.open(user)
    delay_ms = Application.get_env(:chat, :write_delay_ms, 0)
    state = awake(%__MODULE__{session: session, delay_ms: delay_ms})
    {commands, state, :hibernate}
  end

  @impl true
  def websocket_handle(frame, state) do
    {commands, session} = Session.frame(state.session, frame)
    later(commands, awake(%{state | session: session}))
  end

  @impl true
  def websocket_info(:rest, %{rest: :quiet} = state) do
    {[], %{state | rest: :hibernating}, :hibernate}
  end

  def websocket_info(:rest, %{rest: :busy} = state) do
    Process.send_after(self(), :rest, @rest_after_ms)
    {[], %{state | rest: :quiet}}
  end

  def websocket_info(:write, state), do: now([], %{state | due?: false})

  def websocket_info(message, state) do
    {commands, session} = told(message, state.session, @batch_bytes)
    state = awake(%{state | session: session})

    if state.delay_ms == 0 or List.keymember?(commands, :frames, 0),
      do: now(commands, state),
      else: later(commands, state)
  end

  # Takes more of what others said until `bytes` are reached, and one message more.
  @spec told(term, Session.t(), bytes :: integer) :: Session.result()
  defp told({:frames, _place, _stay, size, _frames} = message, session, bytes) do
    session |> Session.info(message) |> more(bytes - size)
  end

  defp told({:published, _place, _stay, text} = message, session, bytes) do
    session |> Session.info(message) |> more(bytes - byte_size(text))
  end

  defp told(message, session, _bytes), do: Session.info(session, message)

  defp more({commands, session}, bytes) when bytes > 0 do
    receive do
      message when elem(message, 0) in [:frames, :published] ->
        {further, session} = told(message, session, bytes)
        {commands ++ further, session}
    after
      0 -> {commands, session}
    end
  end

  defp more(result, _no_bytes), do: result

  defp now(commands, state) do
    with {_waiting, []} <- keep(commands, 0),
         :ok <- Transport.flush() do
      {[], state}
    else
      {:error, _reason} -> {:stop, state}
      {_waiting, cowboys} -> {cowboys, state}
    end
  end

  # Nothing is due when it was all written meanwhile, by Cowboy or for its size.
  defp later(commands, state) do
    case keep(commands, 0) do
      {0, []} -> {[], state}
      {waiting, []} when waiting >= @batch_bytes -> now([], state)
      {_waiting, []} -> {[], due(state)}
      {_waiting, cowboys} -> {cowboys, state}
    end
  end

  # Without a delay it is due behind what is in the mailbox.
  defp due(%{due?: true} = state), do: state

  defp due(state) do
    if state.delay_ms == 0,
      do: send(self(), :write),
      else: Process.send_after(self(), :write, state.delay_ms)

    %{state | due?: true}
  end

  # Texts and frames wait for the write. What is left Cowboy sends, behind them.
  @spec keep([Session.command()], waiting) :: {waiting, [Session.command()]}
        when waiting: non_neg_integer
  defp keep([{:text, text} | commands], _waiting) do
    frame = :cow_ws.frame({:text, text}, %{})
    keep(commands, Transport.put(frame, IO.iodata_length(frame)))
  end

  defp keep([{:frames, bytes, frames} | commands], _waiting) do
    keep(commands, Transport.put(frames, bytes))
  end

  defp keep(cowboys, waiting), do: {waiting, cowboys}

  defp awake(%{rest: :hibernating} = state) do
    Process.send_after(self(), :rest, @rest_after_ms)
    %{state | rest: :quiet}
  end

  defp awake(state), do: %{state | rest: :busy}
end
