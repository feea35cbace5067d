defmodule Chat.Listener.Guard do
  @moduledoc """
  Refuses requests with a body: nothing here has one.

  Cowboy would take what follows chunks for the next request, though a `content-length` said
  otherwise; and after an upgrade a body would be frames.
  """
  @behaviour :cowboy_middleware

  @impl true
  def execute(request, env) do
    if :cowboy_req.has_body(request),
      do: {:stop, :cowboy_req.reply(400, %{"connection" => "close"}, request)},
      else: {:ok, request, env}
  end
end
