defmodule Chat.Listener do
  @moduledoc "Cowboy as the web server, supervised by the application itself."

  alias Chat.Listener.{Health, Websocket}

  # How long a client may take nothing at all before its connection is reset. It bounds how long a
  # process can be stuck in `send`, where it notices neither its outbox's limit nor an idle timeout.
  @send_timeout_ms 10_000

  def child_spec(_) do
    address = Application.fetch_env!(:chat, :address)
    port = Application.fetch_env!(:chat, :port)
    routes = :cowboy_router.compile([{:_, [{"/ws", Websocket, []}, {"/health", Health, []}]}])

    transport = %{
      socket_opts: [ip: address, port: port, send_timeout: @send_timeout_ms],
      # The drain has asked connections to close before this: those that are left can't hear.
      shutdown: :brutal_kill
    }

    http = %{env: %{dispatch: routes}}
    :ranch.child_spec(__MODULE__, :ranch_tcp, transport, :cowboy_clear, http)
  end

  def stop_accepting, do: :ranch.suspend_listener(__MODULE__)
end
