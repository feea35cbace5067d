defmodule Chat.Protocol do
  @moduledoc """
  The wire: text in, requests with checked fields out; and what the server says, as text.

  JSON is jiffy's, which is strict: RFC 8259 and nothing beside it.
  """

  alias Chat.Name

  @type request ::
          {:join | :leave, room :: String.t()}
          | {:message, room :: String.t(), content :: String.t()}
          | {:direct, to :: String.t(), content :: String.t()}
          | :heartbeat

  @spec parse(binary) :: {:ok, request} | {:bad_request, String.t()} | {:unknown, map} | :malformed
  def parse(text) do
    case decode(text) do
      {:ok, %{"type" => type} = fields} when is_binary(type) -> parse(type, fields)
      {:ok, _} -> {:bad_request, "a request is a JSON object with a type"}
      :error -> :malformed
    end
  end

  def welcome(user), do: encode(type: "welcome", user: user)
  def error(code, message), do: encode(type: "error", code: code, message: message)
  def heartbeat, do: stamped(type: "heartbeat")
  def user_joined(room, user), do: stamped(type: "user_joined", room: room, user: user)
  def user_left(room, user), do: stamped(type: "user_left", room: room, user: user)
  def direct(user, content), do: stamped(type: "direct", user: user, content: content)

  def message(room, user, content) do
    stamped(type: "message", room: room, user: user, content: content)
  end

  @doc "Encodes fields in the order given: `type` comes first on the wire."
  @spec encode(keyword) :: binary
  def encode(fields), do: IO.iodata_to_binary(:jiffy.encode({fields}))

  @doc "`:copy_strings` keeps a short name from holding on to the whole message it came in."
  @spec decode(binary) :: {:ok, term} | :error
  def decode(text) do
    {:ok, :jiffy.decode(text, [:return_maps, :copy_strings])}
  catch
    # Jiffy throws or raises, depending on its version.
    _kind, _reason -> :error
  end

  defp stamped(fields), do: encode(fields ++ [timestamp: System.os_time(:millisecond)])

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
  defp parse(_type, fields), do: {:unknown, fields}

  defp name(fields, field) do
    name = fields[field]

    if Name.valid?(name),
      do: {:ok, name},
      else: {:bad_request, "#{field} must be 1 to 64 bytes of text without control characters"}
  end

  defp content(%{"content" => content}) when is_binary(content), do: {:ok, content}
  defp content(_fields), do: {:bad_request, "content must be a string"}
end
