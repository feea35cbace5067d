defmodule Chat.Request do
  @moduledoc "What a client asks for: text in, a request with checked fields out."

  alias Chat.{Json, Name}

  @type t ::
          {:join, room :: String.t()}
          | {:leave, room :: String.t()}
          | {:message, room :: String.t(), content :: String.t()}
          | {:direct, to :: String.t(), content :: String.t()}
          | :heartbeat

  @spec parse(binary) :: {:ok, t} | {:bad_request, String.t()} | :unknown | :malformed
  def parse(text) do
    case Json.decode(text) do
      {:ok, %{"type" => type} = fields} when is_binary(type) -> parse(type, fields)
      {:ok, %{}} -> {:bad_request, "type must be a string"}
      {:ok, _} -> {:bad_request, "a request is a JSON object"}
      :error -> :malformed
    end
  end

  defp parse("join", fields) do
    with {:ok, room} <- name(fields, "room"), do: {:ok, {:join, room}}
  end

  defp parse("leave", fields) do
    with {:ok, room} <- name(fields, "room"), do: {:ok, {:leave, room}}
  end

  defp parse("message", fields) do
    with {:ok, room} <- name(fields, "room"),
         {:ok, content} <- content(fields),
         do: {:ok, {:message, room, content}}
  end

  defp parse("direct", fields) do
    with {:ok, to} <- name(fields, "to"),
         {:ok, content} <- content(fields),
         do: {:ok, {:direct, to, content}}
  end

  defp parse("heartbeat", _fields), do: {:ok, :heartbeat}
  defp parse(_type, _fields), do: :unknown

  defp name(fields, field) do
    name = fields[field]

    if Name.valid?(name),
      do: {:ok, name},
      else: {:bad_request, "#{field} must be 1 to 64 bytes of text without control characters"}
  end

  defp content(%{"content" => content}) when is_binary(content), do: {:ok, content}
  defp content(_fields), do: {:bad_request, "content must be a string"}
end
