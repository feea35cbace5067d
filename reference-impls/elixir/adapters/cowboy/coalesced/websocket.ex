defmodule Chat.Listener.Coalesced do
  @moduledoc """
  One connection of the variant `coalesced`: a tuned one, whose deliveries wait for others.

  What others publish is kept for `CHAT_WRITE_DELAY_MS`, counted from the first of it, or until
  64 KiB are kept; then it goes out in one write. Whoever asks is answered at once, behind what was
  kept for it.
  """
  @behaviour :cowboy_websocket

  alias Chat.Listener.Tuned

  @kept_bytes_max 65_536

  # `kept` has the newest command first. The timer goes on when all was written before its time.
  @enforce_keys [:connection, :delay_ms]
  defstruct @enforce_keys ++ [kept: [], bytes: 0, timer?: false]

  @impl true
  defdelegate init(request, state), to: Tuned

  @impl true
  defdelegate terminate(reason, request, state), to: Tuned

  @impl true
  def websocket_init(user) do
    {commands, connection, :hibernate} = Tuned.websocket_init(user)
    delay_ms = Application.fetch_env!(:chat, :write_delay_ms)
    {commands, %__MODULE__{connection: connection, delay_ms: delay_ms}, :hibernate}
  end

  @impl true
  def websocket_handle(frame, state) do
    {commands, connection} = Tuned.websocket_handle(frame, state.connection)
    write(commands, %{state | connection: connection})
  end

  @impl true
  def websocket_info(:write, state), do: write([], %{state | timer?: false})

  def websocket_info(message, state) do
    case Tuned.websocket_info(message, state.connection) do
      {commands, connection} -> keep(commands, %{state | connection: connection})
      {[], connection, :hibernate} -> {[], %{state | connection: connection}, :hibernate}
    end
  end

  defp keep([{:text, text} = command | more], %{kept: kept, bytes: bytes} = state) do
    keep(more, %{state | kept: [command | kept], bytes: bytes + byte_size(text)})
  end

  defp keep([_ping_or_close | _] = commands, state), do: write(commands, state)
  defp keep([], %{bytes: bytes} = state) when bytes >= @kept_bytes_max, do: write([], state)

  defp keep([], %{kept: [_ | _], timer?: false} = state) do
    Process.send_after(self(), :write, state.delay_ms)
    {[], %{state | timer?: true}}
  end

  defp keep([], state), do: {[], state}

  defp write(commands, state) do
    {Enum.reverse(state.kept, commands), %{state | kept: [], bytes: 0}}
  end
end
