defmodule Chat.Listener do
  @moduledoc "Bandit as the web server, supervised by the application itself."

  alias Chat.Listener.Http

  # How long a client may take nothing at all before its connection is reset. It bounds how long a
  # process can be stuck in `send`, where it notices neither its outbox's limit nor an idle timeout.
  @send_timeout_ms 10_000

  def child_spec(_) do
    settings = Application.get_all_env(:chat)

    Bandit.child_spec(
      plug: Http,
      ip: settings[:ip],
      port: settings[:port],
      startup_log: false,
      thousand_island_options: [
        supervisor_options: [name: __MODULE__],
        transport_options: [backlog: settings[:backlog], send_timeout: @send_timeout_ms],
        # The drain has asked connections to close before this: those that are left can't hear.
        shutdown_timeout: 1
      ]
    )
  end

  def stop_accepting, do: ThousandIsland.suspend(__MODULE__)
end
