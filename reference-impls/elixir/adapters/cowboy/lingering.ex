defmodule Chat.Listener.Lingering do
  @moduledoc """
  A close frame arrives even at a client that goes on talking.

  Cowboy closes the socket right behind its own close frame. If something of the client waits there
  by then, the kernel sends a reset, and the client may lose the frame. So the connection's process
  reads on, until the client has closed its side or has had its time.
  """

  @linger_ms 1_000

  @doc "To be called by the process that owns the connection's socket, when all is written."
  @spec close() :: :ok
  def close do
    {:links, links} = Process.info(self(), :links)

    # Cowboy tells no handler what its socket is; its process is linked to no other port.
    with socket when is_port(socket) <- Enum.find(links, &is_port/1),
         :ok <- :gen_tcp.shutdown(socket, :write),
         :ok <- :inet.setopts(socket, active: true) do
      Process.send_after(self(), :lingered, @linger_ms)
      await_end(socket)
    else
      _nobody_is_there -> :ok
    end
  end

  defp await_end(socket) do
    receive do
      {:tcp_closed, ^socket} -> :ok
      {:tcp_error, ^socket, _reason} -> :ok
      :lingered -> :ok
      _data_or_message -> await_end(socket)
    end
  end
end
