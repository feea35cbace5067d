defmodule Chat.Directory.Connections do
  @moduledoc """
  The connections of this node in a `Registry`, by place, for directories that build on one.

  The registry has the directory's own name, under which the janitor listens to it.
  """

  alias Chat.{Directory, Janitor, Outbox}

  @spec child_spec(term) :: Supervisor.child_spec()
  def child_spec(_) do
    options = [keys: :duplicate, name: Directory, listeners: [Janitor]]
    Registry.child_spec([partitions: System.schedulers_online()] ++ options)
  end

  @spec enter(Directory.place(), stay :: integer, Outbox.t()) :: :ok
  def enter(place, stay, outbox) do
    {:ok, _} = Registry.register(Directory, place, {stay, outbox})
    :ok
  end

  @spec leave(Directory.place()) :: :ok
  def leave(place), do: Registry.unregister(Directory, place)

  @doc "Delivers to every connection there but the process `except`."
  @spec publish(Directory.place(), binary, except :: pid) :: :ok
  def publish(place, text, except) do
    Registry.dispatch(Directory, place, fn connections ->
      for {pid, _} = each when pid != except <- connections, do: put(place, each, text)
    end)
  end

  @doc "As `publish`, but to those alone who live at that moment, and says to how many."
  @spec deliver(Directory.place(), binary, except :: pid | nil) :: non_neg_integer
  def deliver(place, text, except \\ nil) do
    connections = Registry.lookup(Directory, place)

    # The registry hears of a death a moment later than others do.
    living = for {pid, at} <- connections, pid != except and Process.alive?(pid), do: {pid, at}

    Enum.each(living, &put(place, &1, text))
    length(living)
  end

  @spec all() :: [pid]
  def all, do: Registry.select(Directory, [{{{:user, :_}, :"$1", :_}, [], [:"$1"]}])

  @doc "A process that all connections of its share need: those die with it."
  @spec heart() :: pid
  def heart do
    [{_id, partition, :worker, _modules} | _] = Supervisor.which_children(Directory)
    partition
  end

  defp put(place, {pid, {stay, outbox}}, text) do
    Outbox.put(outbox, pid, byte_size(text), {:published, place, stay, text})
  end
end
