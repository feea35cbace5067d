defmodule Chat.Listener.Transport do
  @moduledoc """
  Ranch's TCP transport, and what waits to be written to the calling process's socket.

  A connection keeps its frames here for as long as there is more to do, and writes them at once.
  Cowboy sends by itself, too: pongs, and closes of which it tells the handler afterwards. Since all
  of it comes by `send/2`, what waits goes before it, in the same write.

  A Ranch transport is called without any state of its own, in the process of the connection: so
  what waits is in that process's dictionary.
  """
  @behaviour :ranch_transport

  @doc "Keeps frames of `bytes` bytes for the next write. Says how many bytes wait."
  @spec put(iodata, bytes :: non_neg_integer) :: non_neg_integer
  def put(frames, bytes) do
    {socket, waiting, before} = Process.get(__MODULE__)
    Process.put(__MODULE__, {socket, [waiting | frames], before + bytes})
    before + bytes
  end

  @doc "Writes what waits. Nothing does in the process of a request that was refused."
  @spec flush() :: :ok | {:error, atom}
  def flush do
    case Process.get(__MODULE__) do
      {socket, waiting, bytes} when bytes > 0 -> write(socket, waiting)
      _nothing_waits -> :ok
    end
  end

  @impl true
  def send(socket, data) do
    case Process.get(__MODULE__) do
      {^socket, waiting, bytes} when bytes > 0 -> write(socket, [waiting | data])
      _nothing_waits -> :ranch_tcp.send(socket, data)
    end
  end

  # Ranch calls this in the connection's process, before all else.
  @impl true
  def handshake(socket, timeout) do
    with {:ok, socket} <- :ranch_tcp.handshake(socket, timeout) do
      Process.put(__MODULE__, {socket, [], 0})
      {:ok, socket}
    end
  end

  defp write(socket, data) do
    Process.put(__MODULE__, {socket, [], 0})
    :ranch_tcp.send(socket, data)
  end

  @impl true
  defdelegate name, to: :ranch_tcp
  @impl true
  defdelegate secure, to: :ranch_tcp
  @impl true
  defdelegate messages, to: :ranch_tcp
  @impl true
  defdelegate listen(options), to: :ranch_tcp
  @impl true
  defdelegate accept(listener, timeout), to: :ranch_tcp
  @impl true
  defdelegate handshake(socket, options, timeout), to: :ranch_tcp
  @impl true
  defdelegate handshake_continue(socket, timeout), to: :ranch_tcp
  @impl true
  defdelegate handshake_continue(socket, options, timeout), to: :ranch_tcp
  @impl true
  defdelegate handshake_cancel(socket), to: :ranch_tcp
  @impl true
  defdelegate connect(host, port, options), to: :ranch_tcp
  @impl true
  defdelegate connect(host, port, options, timeout), to: :ranch_tcp
  @impl true
  defdelegate recv(socket, length, timeout), to: :ranch_tcp
  @impl true
  defdelegate recv_proxy_header(socket, timeout), to: :ranch_tcp
  @impl true
  defdelegate sendfile(socket, file), to: :ranch_tcp
  @impl true
  defdelegate sendfile(socket, file, offset, bytes), to: :ranch_tcp
  @impl true
  defdelegate sendfile(socket, file, offset, bytes, options), to: :ranch_tcp
  @impl true
  defdelegate setopts(socket, options), to: :ranch_tcp
  @impl true
  defdelegate getopts(socket, options), to: :ranch_tcp
  @impl true
  defdelegate getstat(socket), to: :ranch_tcp
  @impl true
  defdelegate getstat(socket, options), to: :ranch_tcp
  @impl true
  defdelegate controlling_process(socket, pid), to: :ranch_tcp
  @impl true
  defdelegate peername(socket), to: :ranch_tcp
  @impl true
  defdelegate sockname(socket), to: :ranch_tcp
  @impl true
  defdelegate shutdown(socket, how), to: :ranch_tcp
  @impl true
  defdelegate close(socket), to: :ranch_tcp
  @impl true
  defdelegate cleanup(options), to: :ranch_tcp
  def disallowed_listen_options, do: :ranch_tcp.disallowed_listen_options()
end
