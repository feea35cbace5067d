defmodule Chat.Listener.Websocket do
  @moduledoc "One connection: WebSock's callbacks on one side, `Chat.Session` on the other."
  @behaviour WebSock

  alias Chat.Session

  @bytes_max 65_536

  def bytes_max, do: @bytes_max

  @impl true
  def init(user), do: reply(Session.open(user))

  @impl true
  def handle_in({message, _kind}, session) when byte_size(message) > @bytes_max do
    {:stop, :normal, {1009, "Message too big"}, session}
  end

  def handle_in({message, [opcode: kind]}, session) do
    reply(Session.frame(session, {kind, message}))
  end

  @impl true
  def handle_control({payload, [opcode: kind]}, session) do
    reply(Session.frame(session, {kind, payload}))
  end

  @impl true
  def handle_info(message, session), do: reply(Session.info(session, message))

  defp reply({commands, session}) do
    case Enum.split_while(commands, &(not match?({:close, _code, _reason}, &1))) do
      {[], []} -> {:ok, session}
      {messages, []} -> {:push, Enum.map(messages, &frame/1), session}
      {_none, [{:close, code, reason}]} -> {:stop, :normal, {code, reason}, session}
    end
  end

  defp frame(:ping), do: {:ping, ""}
  defp frame(text), do: text
end
