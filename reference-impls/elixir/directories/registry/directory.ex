defmodule Chat.Directory do
  @moduledoc """
  Who is where: a registry of connections, by `{:user, name}` and by `{:room, name}`.

  A connection numbers its stays. A delivery carries the number, so that what was on its way when
  the connection left a room is not taken for news of the same room after it came back.
  """

  alias Chat.{Janitor, Outbox}

  @type place :: {:user | :room, String.t()}

  def child_spec(_) do
    Registry.child_spec(
      keys: :duplicate,
      name: __MODULE__,
      partitions: System.schedulers_online(),
      listeners: [Janitor]
    )
  end

  @doc "The calling process will receive `{:published, place, stay, text}` of what is said there."
  @spec enter(place, stay :: integer, Outbox.t()) :: :ok
  def enter(place, stay, outbox) do
    {:ok, _} = Registry.register(__MODULE__, place, {stay, outbox})
    :ok
  end

  @spec leave(place) :: :ok
  def leave(place), do: Registry.unregister(__MODULE__, place)

  @doc "Delivers to every member of `room`, but not to the process `except`."
  @spec publish(String.t(), binary, except :: pid) :: :ok
  def publish(room, text, except) do
    place = {:room, room}

    Registry.dispatch(__MODULE__, place, fn members ->
      for {pid, _} = member when pid != except <- members, do: deliver(place, member, text)
    end)
  end

  @doc "As `publish`: where there are several nodes it waits until all have told their members."
  @spec announce(String.t(), binary, except :: pid) :: :ok
  def announce(room, text, except), do: publish(room, text, except)

  @doc "Delivers to every connection of `user`, but not to the process `except`."
  @spec direct(String.t(), binary, except :: pid) :: :ok | :no_such_user
  def direct(user, text, except) do
    place = {:user, user}
    connections = Registry.lookup(__MODULE__, place)

    # The registry hears of a death a moment later than others do.
    case Enum.filter(connections, fn {pid, _} -> pid != except and Process.alive?(pid) end) do
      [] -> :no_such_user
      living -> Enum.each(living, &deliver(place, &1, text))
    end
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
  def health, do: []

  defp deliver(place, {pid, {stay, outbox}}, text) do
    Outbox.put(outbox, pid, byte_size(text), {:published, place, stay, text})
  end
end
