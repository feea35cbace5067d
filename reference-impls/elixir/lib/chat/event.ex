defmodule Chat.Event do
  @moduledoc "What the server says, as text. `type` is the first key."

  alias Chat.Json

  def welcome(user), do: Json.encode(type: "welcome", user: user)

  def user_joined(room, user), do: stamped(type: "user_joined", room: room, user: user)

  def user_left(room, user), do: stamped(type: "user_left", room: room, user: user)

  def message(room, user, content) do
    stamped(type: "message", room: room, user: user, content: content)
  end

  def direct(user, content), do: stamped(type: "direct", user: user, content: content)

  def heartbeat, do: stamped(type: "heartbeat")

  def error(code, message), do: Json.encode(type: "error", code: code, message: message)

  defp stamped(fields), do: Json.encode(fields ++ [timestamp: System.os_time(:millisecond)])
end
