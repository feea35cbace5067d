defmodule Chat.Directory do
  @moduledoc """
  Who is where, on several nodes: this node's connections in a registry, as the variants of one node
  have it, and in `:pg` which nodes have somebody in a place.

  A relay of each node stands in `:pg` for its connections: a publication crosses once a node, and
  only to nodes that have somebody there.
  """
  use Supervisor

  alias Chat.Directory.{Peers, Relay}
  alias Chat.{Janitor, Outbox}

  @type place :: {:user | :room, String.t()}

  def start_link(_), do: Supervisor.start_link(__MODULE__, nil, name: __MODULE__.Supervisor)

  @impl true
  def init(_) do
    registry =
      {Registry,
       keys: :duplicate,
       name: __MODULE__,
       partitions: System.schedulers_online(),
       listeners: [Janitor]}

    scope = %{id: :pg, start: {:pg, :start_link, [Relay.scope()]}}
    # Who starts anew fills what comes after it: relays join for those whom the registry has.
    Supervisor.init([registry, scope, Peers | Relay.all()], strategy: :rest_for_one)
  end

  @doc """
  The calling process will receive `{:published, place, stay, text}` of what is said there, once the
  other nodes know that somebody is there.
  """
  @spec enter(place, stay :: integer, Outbox.t()) :: :ok
  def enter(place, stay, outbox) do
    :ok = Relay.hold(place)
    {:ok, _} = Registry.register(__MODULE__, place, {stay, outbox})
    :ok
  end

  @spec leave(place) :: :ok
  def leave(place) do
    :ok = Registry.unregister(__MODULE__, place)
    Relay.release(place)
  end

  @doc "Delivers to every member of `room`, but not to the process `except`."
  @spec publish(String.t(), binary, except :: pid) :: :ok | :unavailable
  def publish(room, text, except) do
    place = {:room, room}
    deliver(place, text, except)
    Relay.publish(place, text)
  end

  @doc """
  Publishes, and returns when all nodes have told their members: whoever comes later does not hear
  of it.
  """
  @spec announce(String.t(), binary, except :: pid) :: :ok | :unavailable
  def announce(room, text, except) do
    place = {:room, room}
    deliver(place, text, except)

    case Relay.ask(place, text) do
      {_told, :ok} -> :ok
      {_told, :unavailable} -> :unavailable
    end
  end

  @doc "Delivers to every connection of `user`, but not to the process `except`."
  @spec direct(String.t(), binary, except :: pid) :: :ok | :no_such_user | :unavailable
  def direct(user, text, except) do
    place = {:user, user}
    here = deliver(place, text, except)

    case Relay.ask(place, text) do
      {_there, :unavailable} -> :unavailable
      {there, :ok} when here + there > 0 -> :ok
      {0, :ok} -> :no_such_user
    end
  end

  @doc "Delivers to this node's connections alone, and says to how many."
  @spec deliver(place, binary, except :: pid | nil) :: non_neg_integer
  def deliver(place, text, except \\ nil) do
    connections = Registry.lookup(__MODULE__, place)

    # The registry hears of a death a moment later than others do.
    living = Enum.filter(connections, fn {pid, _} -> pid != except and Process.alive?(pid) end)

    Enum.each(living, fn {pid, {stay, outbox}} ->
      Outbox.put(outbox, pid, byte_size(text), {:published, place, stay, text})
    end)

    length(living)
  end

  @doc "What was published before is in its receivers' mailboxes when this returns."
  @spec settle() :: :ok
  def settle, do: :ok

  @spec connections() :: [pid]
  def connections do
    Registry.select(__MODULE__, [{{{:user, :_}, :"$1", :_}, [], [:"$1"]}])
  end

  @doc "A process that all connections of its share need: those die with it."
  @spec heart() :: pid
  def heart do
    [{_id, partition, :worker, _modules} | _] = Supervisor.which_children(__MODULE__)
    partition
  end

  @doc "What `/health` says beside the usual."
  @spec health() :: keyword
  def health, do: [backplane: if(Peers.up?(), do: "up", else: "down")]
end
