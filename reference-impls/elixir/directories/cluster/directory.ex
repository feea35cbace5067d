defmodule Chat.Directory do
  @moduledoc """
  Who is where, on several nodes: this node's connections in a registry, as the variants of one node
  have it, and in `:pg` which nodes have somebody in a place.

  A relay of each node stands in `:pg` for its connections: a publication crosses once a node, and
  only to nodes that have somebody there.
  """
  use Supervisor

  alias Chat.Directory.{Connections, Peers, Relay, Settings}
  alias Chat.Outbox

  @type place :: {:user | :room, String.t()}

  def start_link(_), do: Supervisor.start_link(__MODULE__, nil, name: __MODULE__.Supervisor)

  @impl true
  def init(_) do
    :ok = Settings.read()
    scope = %{id: :pg, start: {:pg, :start_link, [Relay.scope()]}}
    # Who starts anew fills what comes after it: relays join for those whom the registry has.
    Supervisor.init([Connections, scope, Peers | Relay.all()], strategy: :rest_for_one)
  end

  @doc """
  The calling process will receive `{:published, place, stay, text}` of what is said there, once the
  other nodes know that somebody is there.
  """
  @spec enter(place, stay :: integer, Outbox.t()) :: :ok
  def enter(place, stay, outbox) do
    :ok = Relay.hold(place)
    Connections.enter(place, stay, outbox)
  end

  @spec leave(place) :: :ok
  def leave(place) do
    :ok = Connections.leave(place)
    Relay.release(place)
  end

  @doc "Delivers to every member of `room`, but not to the process `except`."
  @spec publish(String.t(), binary, except :: pid) :: :ok | :unavailable
  def publish(room, text, except) do
    place = {:room, room}
    Connections.publish(place, text, except)
    Relay.publish(place, text)
  end

  @doc """
  Publishes, and returns when all nodes have told their members: whoever comes later does not hear
  of it.
  """
  @spec announce(String.t(), binary, except :: pid) :: :ok | :unavailable
  def announce(room, text, except) do
    place = {:room, room}
    Connections.publish(place, text, except)

    case Relay.ask(place, text) do
      {_told, :ok} -> :ok
      {_told, :unavailable} -> :unavailable
    end
  end

  @doc "Delivers to every connection of `user`, but not to the process `except`."
  @spec direct(String.t(), binary, except :: pid) :: :ok | :no_such_user | :unavailable
  def direct(user, text, except) do
    place = {:user, user}
    here = Connections.deliver(place, text, except)

    case Relay.ask(place, text) do
      {_there, :unavailable} -> :unavailable
      {there, :ok} when here + there > 0 -> :ok
      {0, :ok} -> :no_such_user
    end
  end

  @doc "What was published before is in its receivers' mailboxes when this returns."
  @spec settle() :: :ok
  def settle, do: :ok

  defdelegate connections, to: Connections, as: :all

  @doc "A process that all connections of its share need: those die with it."
  defdelegate heart, to: Connections

  @doc "What `/health` says beside the usual."
  @spec health() :: keyword
  def health, do: [backplane: if(Peers.up?(), do: "up", else: "down")]
end
