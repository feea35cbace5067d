defmodule Chat.Application do
  @moduledoc """
  The supervision tree: who says goodbye for the dead, who is where, and the web server.
  """
  use Application

  alias Chat.{Directory, Janitor, Listener, Session}

  # From SIGTERM to the end it may take 5 s; the rest is for the virtual machine's own shutdown.
  @drain_ms 3_000

  @impl true
  def start(_type, _args) do
    # Who comes later needs all that stand before: without the janitor nobody's end would be told.
    children = [Janitor, Directory, Listener]

    # Beyond so many restarts the application ends, and the virtual machine with it.
    options = [strategy: :rest_for_one, max_restarts: 10, max_seconds: 5]

    case Supervisor.start_link(children, options) do
      {:ok, supervisor} ->
        Logger.configure(level: :error)
        {:ok, supervisor}

      {:error, reason} ->
        # An error returned from here would be reported on a page, and the cause be hard to find.
        IO.puts(:stderr, "chat: can't start: #{inspect(reason)}")
        System.halt(1)
    end
  end

  @doc "SIGTERM stops the application; before that every connection is closed with 1012."
  @impl true
  def prep_stop(state) do
    Listener.stop_accepting()
    Process.send_after(self(), :drain_is_over, @drain_ms)
    connections = Directory.connections()
    Enum.each(connections, &Process.monitor/1)
    # Closes come behind what was said before.
    Directory.settle()
    Enum.each(connections, &Session.drain/1)

    for _ <- connections do
      receive do
        {:DOWN, _monitor, :process, _pid, _reason} -> :ok
        # A client that does not read keeps its connection stuck: a regular end would wait for it.
        :drain_is_over -> :erlang.halt(0, flush: false)
      end
    end

    state
  end
end
