defmodule Chat.Directory.Settings do
  @moduledoc "This node's name and those of the others: from CHAT_NODE and CHAT_PEERS."

  @name ~r/\A[a-z0-9_-]{1,64}@[0-9a-z.-]{1,64}\z/
  @peers_max 64

  @doc "Keeps the names in the application's environment. Without sound ones nothing starts."
  @spec read() :: :ok
  def read do
    with [_itself] <- names("CHAT_NODE"),
         peers when is_list(peers) and length(peers) <= @peers_max <- names("CHAT_PEERS") do
      Application.put_env(:chat, :peers, Enum.map(peers, &String.to_atom/1))
    else
      _unsound ->
        IO.puts(:stderr, "chat: give CHAT_NODE one name of a node, CHAT_PEERS those of the others")
        System.halt(2)
    end
  end

  defp names(setting) do
    names = setting |> System.get_env("") |> String.split(",", trim: true)
    if Enum.all?(names, &(&1 =~ @name)), do: names
  end
end
