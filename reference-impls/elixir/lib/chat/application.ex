defmodule Chat.Application do
  @moduledoc """
  The supervision tree: who is connected, who is in which room, who says goodbye for the dead, and
  the web server.
  """
  use Application

  alias Chat.{Janitor, Listener, Rooms, Session, Users}

  # From SIGTERM to the end it may take 5 s; the rest is for the virtual machine's own shutdown.
  @drain_ms 3_000

  @impl true
  def start(_type, _args) do
    host = Application.fetch_env!(:chat, :host)
    port = Application.fetch_env!(:chat, :port)

    case Listener.prepare(host, port) do
      {:ok, listener} ->
        children = [Users, Rooms, Janitor, listener]
        Supervisor.start_link(children, strategy: :one_for_one, name: Chat.Supervisor)

      {:error, reason} ->
        # An error returned from here would be reported on a page, and the cause be hard to find.
        IO.puts(:stderr, "chat: can't listen on #{host}:#{port}: #{:inet.format_error(reason)}")
        System.halt(1)
    end
  end

  @doc "SIGTERM stops the application; before that every connection is closed with 1012."
  @impl true
  def prep_stop(state) do
    Listener.stop_accepting()
    connections = Users.connections()
    monitors = Enum.map(connections, &Process.monitor/1)
    Enum.each(connections, &Session.drain/1)

    # A client that does not read keeps its connection stuck, and a regular end would wait for it.
    if await_end(monitors, now_ms() + @drain_ms) == :timeout, do: :erlang.halt(0, flush: false)
    state
  end

  defp await_end([], _deadline_ms), do: :ok

  defp await_end([monitor | others], deadline_ms) do
    receive do
      {:DOWN, ^monitor, :process, _pid, _reason} -> await_end(others, deadline_ms)
    after
      max(deadline_ms - now_ms(), 0) -> :timeout
    end
  end

  defp now_ms, do: System.monotonic_time(:millisecond)
end
