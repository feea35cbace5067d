defmodule Chat.Listener.Websocket do
  @moduledoc "One connection: Cowboy's callbacks on one side, `Chat.Session` on the other."
  @behaviour :cowboy_websocket

  alias Chat.Listener.Lingering
  alias Chat.{Name, Session}

  @kept_bytes 4_096
  # The session keeps its own idle timeout: Cowboy's closes with another code.
  @options %{max_frame_size: 65_536, idle_timeout: :infinity, compress: false}

  # Cowboy would serve the drafts 7 and 8 too, and take any text for a key: also two keys, which it
  # joins by a comma.
  @impl true
  def init(%{headers: %{"sec-websocket-version" => "13"}} = request, state) do
    user = user(request)

    if Name.valid?(user) and key?(:cowboy_req.header("sec-websocket-key", request, "")),
      do: {:cowboy_websocket, request, user, @options},
      else: refuse(request, state)
  end

  def init(request, state), do: refuse(request, state)

  # What the handshake left on the heap would stay there until the heap is full: to hibernate once
  # collects it.
  @impl true
  def websocket_init(user) do
    {commands, session} = Session.open(user)
    {commands, session, :hibernate}
  end

  # So would what a long message left.
  @impl true
  def websocket_handle({_kind, payload} = frame, session) when byte_size(payload) > @kept_bytes do
    {commands, session} = Session.frame(session, frame)
    {commands, session, :hibernate}
  end

  def websocket_handle(frame, session), do: Session.frame(session, frame)

  @impl true
  def websocket_info(message, session), do: Session.info(session, message)

  # After a close of the client's, or the end of its side, nothing more of it is due.
  @impl true
  def terminate(:remote, _request, _state), do: :ok
  def terminate({:remote, _code, _reason}, _request, _state), do: :ok
  def terminate({:error, :closed}, _request, _state), do: :ok
  def terminate(_reason, _request, _state), do: Lingering.close()

  defp key?(text), do: match?({:ok, <<_::binary-size(16)>>}, Base.decode64(text))

  defp user(request) do
    case List.keyfind(:cowboy_req.parse_qs(request), "user", 0) do
      {"user", name} when name not in ["", true] -> name
      _none -> Name.random()
    end
  end

  defp refuse(request, state), do: {:ok, :cowboy_req.reply(400, request), state}
end
