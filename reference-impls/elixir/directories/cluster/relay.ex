defmodule Chat.Directory.Relay do
  @moduledoc """
  Stands in `:pg` for this node's connections in the places of its share, and tells them what other
  nodes say there.
  """
  use GenServer

  alias Chat.Directory
  alias Chat.Directory.{Connections, Peers}

  @scope Directory.Scope
  # A group of all relays: a node whose relays are there has told of all its places.
  @relays :relays
  # Longer than a link that is cut goes unnoticed: the nodes then know that they are apart.
  @answer_ms 15_000

  @spec scope() :: atom
  def scope, do: @scope

  @spec all() :: [Supervisor.child_spec()]
  def all do
    for share <- 0..(shares() - 1), do: Supervisor.child_spec({__MODULE__, share}, id: name(share))
  end

  def start_link(share), do: GenServer.start_link(__MODULE__, share, name: name(share))

  @doc "Returns once all nodes know that the calling process is in a place. It is in there once."
  @spec hold(Directory.place()) :: :ok
  def hold(place), do: GenServer.call(of(place), {:hold, place, self()}, :infinity)

  @spec release(Directory.place()) :: :ok
  def release(place), do: GenServer.cast(of(place), {:release, place, self()})

  @doc "To the other nodes that have somebody there, without waiting for them."
  @spec publish(Directory.place(), binary) :: :ok | :unavailable
  def publish(place, text) do
    # A link that takes no more is no reason to wait, and none that is lost is made anew here.
    sent = for relay <- elsewhere(place), do: send_now(relay, {:publish, place, text})
    if Enum.all?(sent, &(&1 == :ok)) and not Peers.lost?(place), do: :ok, else: :unavailable
  end

  @doc "As `publish`, and says to how many connections it was delivered."
  @spec ask(Directory.place(), binary) :: {non_neg_integer, :ok | :unavailable}
  def ask(place, text) do
    requests = for relay <- elsewhere(place), do: request(relay, {:deliver, place, text})
    told = for request <- requests, do: answer(request)
    lost? = :unavailable in told or Peers.lost?(place)
    count = told |> Enum.filter(&is_integer/1) |> Enum.sum()
    {count, if(lost?, do: :unavailable, else: :ok)}
  end

  @doc "Nodes that have told of all their places."
  @spec nodes() :: MapSet.t(node)
  def nodes do
    for relay <- :pg.get_members(@scope, @relays), node(relay) != node(), into: MapSet.new() do
      node(relay)
    end
  end

  @impl true
  def init(share) do
    relay = %{places: %{}, connections: %{}}
    :ok = :pg.join(@scope, @relays, self())
    # Those who were here before the one whose place this takes.
    known = Registry.select(Directory, [{{:"$1", :"$2", :_}, [], [{{:"$1", :"$2"}}]}])
    mine = for {place, pid} <- known, share(place) == share, do: {place, pid}
    {:ok, Enum.reduce(mine, relay, fn {place, pid}, relay -> add(relay, place, pid) end)}
  end

  @impl true
  def handle_call({:hold, place, pid}, from, relay) do
    relay = add(relay, place, pid)

    if MapSet.size(relay.places[place].unaware) == 0,
      do: {:reply, :ok, relay},
      else: {:noreply, update_in(relay.places[place].waiting, &[from | &1])}
  end

  def handle_call({:deliver, place, text}, _from, relay) do
    {:reply, Connections.deliver(place, text), relay}
  end

  @impl true
  def handle_cast({:release, place, pid}, relay) do
    {:noreply, relay |> remove(place, pid) |> forget(pid, place)}
  end

  @impl true
  def handle_info({:publish, place, text}, relay) do
    Connections.deliver(place, text)
    {:noreply, relay}
  end

  # A node knows of this place, or is gone.
  def handle_info({:aware, place, node}, relay), do: {:noreply, aware(relay, place, node)}

  def handle_info({:gone, node}, relay) do
    {:noreply, Enum.reduce(Map.keys(relay.places), relay, &aware(&2, &1, node))}
  end

  def handle_info({:DOWN, _monitor, :process, pid, _reason}, relay) do
    {{_monitor, places}, connections} = Map.pop!(relay.connections, pid)
    relay = %{relay | connections: connections}
    {:noreply, Enum.reduce(places, relay, &remove(&2, &1, pid))}
  end

  # A late answer of another relay, that nobody waits for.
  def handle_info(_message, relay), do: {:noreply, relay}

  defp add(relay, place, pid) do
    place_of = relay.places[place] || first(place)
    place_of = %{place_of | holders: MapSet.put(place_of.holders, pid)}
    {monitor, places} = relay.connections[pid] || {Process.monitor(pid), MapSet.new()}
    connections = Map.put(relay.connections, pid, {monitor, MapSet.put(places, place)})
    %{relay | places: Map.put(relay.places, place, place_of), connections: connections}
  end

  defp first(place) do
    unaware = nodes()
    :ok = :pg.join(@scope, place, self())
    %{holders: MapSet.new(), unaware: unaware, waiting: []}
  end

  defp remove(relay, place, pid) do
    holders = MapSet.delete(relay.places[place].holders, pid)

    if MapSet.size(holders) > 0 do
      put_in(relay.places[place].holders, holders)
    else
      :ok = :pg.leave(@scope, place, self())
      %{relay | places: Map.delete(relay.places, place)}
    end
  end

  defp forget(relay, pid, place) do
    {monitor, places} = relay.connections[pid]
    places = MapSet.delete(places, place)

    if MapSet.size(places) > 0 do
      put_in(relay.connections[pid], {monitor, places})
    else
      Process.demonitor(monitor, [:flush])
      %{relay | connections: Map.delete(relay.connections, pid)}
    end
  end

  defp aware(relay, place, node) when is_map_key(relay.places, place) do
    %{unaware: unaware, waiting: waiting} = known = relay.places[place]
    unaware = MapSet.delete(unaware, node)
    done? = MapSet.size(unaware) == 0
    if done?, do: Enum.each(waiting, &GenServer.reply(&1, :ok))

    put_in(relay.places[place], %{
      known
      | unaware: unaware,
        waiting: if(done?, do: [], else: waiting)
    })
  end

  defp aware(relay, _place, _node), do: relay

  defp elsewhere(place) do
    for relay <- :pg.get_members(@scope, place), node(relay) != node(), do: relay
  end

  defp send_now(relay, message), do: Process.send(relay, message, [:nosuspend, :noconnect])

  # A call whose request goes as everything else to other nodes does.
  defp request(relay, message) do
    monitor = :erlang.monitor(:process, relay, alias: :reply_demonitor)

    case send_now(relay, {:"$gen_call", {self(), [:alias | monitor]}, message}) do
      :ok ->
        monitor

      _not_sent ->
        Process.demonitor(monitor, [:flush])
        :unavailable
    end
  end

  defp answer(:unavailable), do: :unavailable

  defp answer(monitor) do
    receive do
      {[:alias | ^monitor], count} -> count
      {:DOWN, ^monitor, :process, _relay, :noconnection} -> :unavailable
      # It has left that node's registry with its relay, which starts anew.
      {:DOWN, ^monitor, :process, _relay, _reason} -> 0
    after
      @answer_ms ->
        Process.demonitor(monitor, [:flush])
        :unavailable
    end
  end

  defp of(place), do: name(share(place))
  defp share(place), do: :erlang.phash2(place, shares())
  defp shares, do: System.schedulers_online()
  defp name(share), do: :"#{__MODULE__}.#{share}"
end
