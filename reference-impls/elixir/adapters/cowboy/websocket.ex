defmodule Chat.Listener.Websocket do
  @moduledoc "One connection: Cowboy's callbacks on one side, `Chat.Session` on the other."
  @behaviour :cowboy_websocket

  alias Chat.{Name, Session}

  # The session keeps its own idle timeout: Cowboy's closes with another code.
  @options %{max_frame_size: 65_536, idle_timeout: :infinity, compress: false}

  @impl true
  def init(%{path: "/ws"} = request, state) do
    with :ok <- check_version(request),
         {:ok, user} <- user(request) do
      {:cowboy_websocket, request, user, @options}
    else
      :error -> {:ok, :cowboy_req.reply(400, request), state}
    end
  end

  # The router takes "/ws/" for the same path.
  def init(request, state), do: {:ok, :cowboy_req.reply(404, request), state}

  @impl true
  def websocket_init(user), do: Session.open(user, &bytes_received/0)

  @impl true
  def websocket_handle({:text, text}, session), do: Session.text(session, text)
  def websocket_handle({:binary, _}, session), do: Session.binary(session)
  def websocket_handle(_ping_or_pong, session), do: {[], session}

  @impl true
  def websocket_info(message, session), do: Session.info(session, message)

  # Cowboy does not hand out its socket, but that is the port that this process is linked to.
  defp bytes_received do
    {:links, links} = Process.info(self(), :links)

    with socket when is_port(socket) <- Enum.find(links, &is_port/1),
         {:ok, [recv_oct: bytes]} <- :inet.getstat(socket, [:recv_oct]) do
      bytes
    else
      # The socket is closed: the connection is about to hear of it.
      _ -> 0
    end
  end

  # Cowboy serves the drafts 7 and 8 too. Without an upgrade there is no version: it answers 426.
  defp check_version(request) do
    if :cowboy_req.header("sec-websocket-version", request, "13") == "13", do: :ok, else: :error
  end

  defp user(request) do
    case List.keyfind(:cowboy_req.parse_qs(request), "user", 0) do
      {"user", name} when name not in ["", true] ->
        if Name.valid?(name), do: {:ok, name}, else: :error

      _none ->
        {:ok, nil}
    end
  end
end
