defmodule Chat.Listener do
  @moduledoc "Cowboy as the web server, supervised by the application itself."

  alias Chat.Listener.{Guard, Health, Tuned, Websocket}

  # How long a client may take nothing at all before its connection is reset. It bounds how long a
  # process can be stuck in `send`, where it notices neither its outbox's limit nor an idle timeout.
  @send_timeout_ms 10_000

  def child_spec(_) do
    settings = Application.get_all_env(:chat)
    # The number is Ranch's default; each of its ten supervisors of connections has so many.
    {handler, limit} = if settings[:tuned?], do: {Tuned, :infinity}, else: {Websocket, 1_024}
    routes = :cowboy_router.compile([{:_, [{"/ws", handler, []}, {"/health", Health, []}]}])

    transport = %{
      socket_opts: [ip: settings[:address], port: settings[:port], send_timeout: @send_timeout_ms],
      max_connections: limit,
      # The drain has asked connections to close before this: those that are left can't hear.
      shutdown: :brutal_kill
    }

    protocol = %{
      env: %{dispatch: routes},
      middlewares: [Guard, :cowboy_router, :cowboy_handler]
    }

    :ranch.child_spec(__MODULE__, :ranch_tcp, transport, :cowboy_clear, protocol)
  end

  def stop_accepting, do: :ranch.suspend_listener(__MODULE__)
end
