defmodule Chat.Listener.Http do
  @moduledoc "Requests: `/ws` is upgraded, `/health` answered."
  @behaviour Plug

  import Plug.Conn

  alias Chat.Listener.Websocket
  alias Chat.{Directory, Name, Protocol}

  # The session keeps its own idle timeout: Bandit's closes with another code. Bandit counts a
  # frame's head, of at most 14 bytes, too; `Websocket` holds messages to their exact limit.
  @options [
    max_frame_size: Websocket.bytes_max() + 14,
    max_fragmented_message_size: Websocket.bytes_max(),
    timeout: :infinity,
    compress: false
  ]

  @impl true
  def init(options), do: options

  @impl true
  def call(%{request_path: "/ws"} = conn, _options) do
    user = user(conn.query_string)

    if Name.valid?(user) and get_req_header(conn, "sec-websocket-version") == ["13"],
      do: upgrade_adapter(conn, :websocket, {Websocket, user, @options}),
      else: send_resp(conn, 400, "")
  end

  def call(%{request_path: "/health"} = conn, _options) do
    pid = String.to_integer(System.pid())
    version = to_string(Application.spec(:chat, :vsn))
    health = [status: "ok", implementation: "elixir", version: version, pid: pid, workers: [pid]]
    health = health ++ Directory.health()
    conn |> put_resp_content_type("application/json") |> send_resp(200, Protocol.encode(health))
  end

  def call(conn, _options), do: send_resp(conn, 404, "")

  defp user(query) do
    case Enum.find(URI.query_decoder(query), &match?({"user", _}, &1)) do
      {"user", name} when name != "" -> name
      _none -> Name.random()
    end
  rescue
    # A `%` without two hex digits behind it.
    ArgumentError -> nil
  end
end
