defmodule Chat.Directory.Keeper do
  @moduledoc """
  Joins connections to their groups: when they ask for it, and all of them again when the scope of
  `:pg` has died. It alone does so: `:pg` would take a second join for a second membership.

  It forgets memberships of dead connections, and tells the janitor of everyone else's as `Registry`
  tells its listeners.
  """
  use GenServer

  alias Chat.{Directory, Janitor, Outbox}

  def start_link(names), do: GenServer.start_link(__MODULE__, names, name: __MODULE__)

  @doc "The calling process enters. Exits if the directory dies meanwhile."
  @spec enter(Directory.place(), integer, Outbox.t()) :: :ok
  def enter(place, stay, outbox), do: GenServer.call(__MODULE__, {:enter, place, stay, outbox})

  @spec leave(Directory.place()) :: :ok
  def leave(place), do: GenServer.call(__MODULE__, {:leave, place})

  @impl true
  def init({scope, memberships}) do
    keeper = %{scope: scope, memberships: memberships, places: %{}}
    known = for {{pid, place}, _stay, _outbox} <- :ets.tab2list(memberships), do: {pid, place}
    {:ok, Enum.reduce(known, keeper, &join/2)}
  end

  @impl true
  def handle_call({:enter, place, stay, outbox}, {pid, _}, keeper) do
    # Whoever finds the connection in its group finds what is known of it.
    :ets.insert(keeper.memberships, {{pid, place}, stay, outbox})
    keeper = join({pid, place}, keeper)
    send(Janitor, {:register, Directory, place, pid, stay})
    {:reply, :ok, keeper}
  end

  def handle_call({:leave, place}, {pid, _}, keeper) do
    :ok = :pg.leave(keeper.scope, place, pid)
    :ets.delete(keeper.memberships, {pid, place})
    send(Janitor, {:unregister, Directory, place, pid})
    {:reply, :ok, update_in(keeper.places[pid], &List.delete(&1, place))}
  end

  # Groups forget a dead process by themselves.
  @impl true
  def handle_info({:DOWN, _monitor, :process, pid, _reason}, keeper) do
    {places, keeper} = pop_in(keeper.places[pid])
    for place <- places, do: :ets.delete(keeper.memberships, {pid, place})
    {:noreply, keeper}
  end

  defp join({pid, place}, keeper) do
    if not is_map_key(keeper.places, pid), do: Process.monitor(pid)
    :ok = :pg.join(keeper.scope, place, pid)
    %{keeper | places: Map.update(keeper.places, pid, [place], &[place | &1])}
  end
end
