defmodule Chat.Listener do
  @moduledoc "Cowboy as the web server, supervised by the application itself."

  alias Chat.Listener.{Health, Websocket}

  # How long a client may take nothing at all before its connection is reset. It bounds how long a
  # process can be stuck in `send`, where it notices neither its outbox's limit nor an idle timeout.
  @send_timeout_ms 10_000

  # Enough to tell a client that its name is too long, where Cowboy's 8,000 bytes would be a 414.
  @request_line_bytes_max 65_536

  @doc "Answers what to put under a supervisor, or why the port can't be had."
  @spec prepare(String.t(), :inet.port_number()) ::
          {:ok, :supervisor.child_spec()} | {:error, :inet.posix()}
  def prepare(host, port) do
    with {:ok, address} <- :inet.getaddr(to_charlist(host), :inet),
         :ok <- try_bind(address, port) do
      {:ok, child_spec(address, port)}
    end
  end

  @spec stop_accepting() :: :ok
  def stop_accepting, do: :ranch.suspend_listener(__MODULE__)

  defp child_spec(address, port) do
    routes = :cowboy_router.compile([{:_, [{"/ws", Websocket, []}, {"/health", Health, []}]}])
    http = %{env: %{dispatch: routes}, max_request_line_length: @request_line_bytes_max}

    transport = %{
      socket_opts: [ip: address, port: port, send_timeout: @send_timeout_ms],
      # The drain has asked connections to close before this: those that are left can't hear.
      shutdown: :brutal_kill
    }

    :ranch.child_spec(__MODULE__, :ranch_tcp, transport, :cowboy_clear, http)
  end

  # Ranch reports a port in use on a page. Binding without listening finds out before, and no client
  # can get in.
  defp try_bind(address, port) do
    {:ok, socket} = :socket.open(:inet, :stream, :tcp)
    :ok = :socket.setopt(socket, {:socket, :reuseaddr}, true)
    result = :socket.bind(socket, %{family: :inet, addr: address, port: port})
    :ok = :socket.close(socket)
    result
  end
end
