defmodule Chat.Listener.Health do
  @moduledoc "`GET /health`: the server serves, and this is its process."
  @behaviour :cowboy_handler

  alias Chat.{Directory, Protocol}

  @impl true
  def init(request, state) do
    pid = String.to_integer(System.pid())
    version = to_string(Application.spec(:chat, :vsn))
    health = [status: "ok", implementation: "elixir", version: version, pid: pid, workers: [pid]]
    health = health ++ Directory.health()
    headers = %{"content-type" => "application/json"}
    {:ok, :cowboy_req.reply(200, headers, Protocol.encode(health), request), state}
  end
end
