defmodule Chat.Listener do
  @moduledoc "Cowboy as the web server, supervised by the application itself."

  alias Chat.Listener.{Guard, Health, Transport, Tuned, Websocket}

  # How long a client may take nothing at all before its connection is reset. It bounds how long a
  # process can be stuck in `send`, where it notices neither its outbox's limit nor an idle timeout.
  @send_timeout_ms 10_000

  def child_spec(_) do
    settings = Application.get_all_env(:chat)
    tuned? = settings[:variant] in ["tuned", "coalesced"]
    {handler, transport} = if tuned?, do: {Tuned, Transport}, else: {Websocket, :ranch_tcp}
    routes = :cowboy_router.compile([{:_, [{"/ws", handler, []}, {"/health", Health, []}]}])

    options = %{
      # Ranch asks for TCP_NODELAY by itself. Who has ended its own side may still read: without
      # `exit_on_close: false` the port is closed by then, and what came before goes unanswered.
      socket_opts:
        [send_timeout: @send_timeout_ms, send_timeout_close: tuned?, exit_on_close: false] ++
          Keyword.take(settings, [:ip, :port, :backlog]),
      # Ranch's guide: no limit where connections stay.
      max_connections: :infinity,
      # The drain has asked connections to close before this: those that are left can't hear.
      shutdown: :brutal_kill
    }

    protocol = %{env: %{dispatch: routes}, middlewares: [Guard, :cowboy_router, :cowboy_handler]}
    :ranch.child_spec(__MODULE__, transport, options, :cowboy_clear, protocol)
  end

  def stop_accepting, do: :ranch.suspend_listener(__MODULE__)
end
