defmodule Chat.Listener.Health do
  @moduledoc "`GET /health`: the server serves, and this is its process."
  @behaviour :cowboy_handler

  alias Chat.Json

  @impl true
  def init(%{path: "/health"} = request, state) do
    pid = String.to_integer(System.pid())
    version = to_string(Application.spec(:chat, :vsn))

    body =
      Json.encode(
        status: "ok",
        implementation: "elixir",
        version: version,
        pid: pid,
        workers: [pid]
      )

    headers = %{"content-type" => "application/json"}
    {:ok, :cowboy_req.reply(200, headers, body, request), state}
  end

  # The router takes "/health/" for the same path.
  def init(request, state), do: {:ok, :cowboy_req.reply(404, request), state}
end
