defmodule Chat.Listener.Websocket do
  @moduledoc "One connection: WebSock's callbacks on one side, `Chat.Session` on the other."
  @behaviour WebSock

  alias Chat.Session

  @bytes_max 65_536
  # For a close frame to leave and for the client to answer it.
  @closing_ms 2_000

  def bytes_max, do: @bytes_max

  @impl true
  def init(user), do: reply(Session.open(user))

  # Bandit hands over what comes after a close, too, and waits for the client's as long as it takes.
  @impl true
  def handle_in(_frame, :closed), do: {:ok, :closed}

  def handle_in({message, _kind}, _session) when byte_size(message) > @bytes_max do
    close(1009, "Message too big")
  end

  def handle_in({message, [opcode: kind]}, session) do
    reply(Session.frame(session, {kind, message}))
  end

  @impl true
  def handle_control(_frame, :closed), do: {:ok, :closed}

  def handle_control({payload, [opcode: kind]}, session) do
    reply(Session.frame(session, {kind, payload}))
  end

  @impl true
  def handle_info(:closing_is_over, :closed), do: exit(:shutdown)
  def handle_info(_message, :closed), do: {:ok, :closed}
  def handle_info(message, session), do: reply(Session.info(session, message))

  defp reply({commands, session}) do
    case Enum.split_while(commands, &(not match?({:close, _code, _reason}, &1))) do
      {[], []} -> {:ok, session}
      {messages, []} -> {:push, Enum.map(messages, &frame/1), session}
      {_none, [{:close, code, reason}]} -> close(code, reason)
    end
  end

  defp close(code, reason) do
    Process.send_after(self(), :closing_is_over, @closing_ms)
    {:stop, :normal, {code, reason}, :closed}
  end

  defp frame(:ping), do: {:ping, ""}
  defp frame(text), do: text
end
