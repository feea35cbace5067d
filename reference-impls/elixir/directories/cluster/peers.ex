defmodule Chat.Directory.Peers do
  @moduledoc """
  Connects to the nodes that CHAT_PEERS names, again and again, and tells them that their places are
  known here.

  It also knows which places may have members that can't be reached: those of a node that was lost,
  until it is back, or for so long that it is taken for dead.
  """
  use GenServer

  alias Chat.Directory.Relay
  require Logger

  @lost __MODULE__.Lost
  @retry_min_ms 50
  @retry_max_ms 1_000
  @dead_after_ms 60_000

  def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @doc "Whether every peer is there, and has told who is where."
  @spec up?() :: boolean
  def up?, do: MapSet.subset?(MapSet.new(configured()), Relay.nodes())

  @doc "Whether there may be members whom nobody can tell."
  @spec lost?(Chat.Directory.place()) :: boolean
  def lost?(place), do: :ets.member(@lost, place)

  @impl true
  def init(_) do
    :ets.new(@lost, [:named_table, :duplicate_bag, read_concurrency: true])
    :ok = :net_kernel.monitor_nodes(true)
    {monitor, places} = :pg.monitor_scope(Relay.scope())
    for {place, relays} <- places, do: tell(relays, place)
    for peer <- configured(), do: send(self(), {:connect, peer, @retry_min_ms})
    {:ok, monitor}
  end

  @impl true
  def handle_info({:connect, peer, pause_ms}, monitor) do
    connect_aside(peer, pause_ms)
    {:noreply, monitor}
  end

  def handle_info({:nodeup, node}, monitor) do
    :ets.match_delete(@lost, {:_, node})
    {:noreply, monitor}
  end

  def handle_info({:nodedown, node}, monitor) do
    Relay.all() |> Enum.each(fn %{id: name} -> send_to(name, {:gone, node}) end)
    Process.send_after(self(), {:dead, node}, @dead_after_ms)
    if node in configured(), do: send(self(), {:connect, node, @retry_min_ms})
    {:noreply, monitor}
  end

  def handle_info({:dead, node}, monitor) do
    if node not in Node.list(), do: :ets.match_delete(@lost, {:_, node})
    {:noreply, monitor}
  end

  def handle_info({monitor, :join, place, relays}, monitor) do
    tell(relays, place)
    {:noreply, monitor}
  end

  # Groups forget the members of a node that is lost, as those that leave.
  def handle_info({monitor, :leave, place, relays}, monitor) do
    for relay <- relays, node(relay) not in [node() | Node.list()] do
      :ets.insert(@lost, {place, node(relay)})
    end

    {:noreply, monitor}
  end

  def handle_info(_message, monitor), do: {:noreply, monitor}

  defp tell(relays, place) do
    for relay <- relays, node(relay) != node() do
      Process.send(relay, {:aware, place, node()}, [:noconnect])
    end
  end

  # To connect may take seconds.
  defp connect_aside(peer, pause_ms) do
    peers = self()

    spawn_link(fn ->
      if Node.connect(peer) != true do
        pause_ms = min(2 * pause_ms, @retry_max_ms)

        Process.send_after(
          peers,
          {:connect, peer, pause_ms},
          div(pause_ms, 2) + :rand.uniform(pause_ms)
        )
      end
    end)
  end

  # It may be starting anew.
  defp send_to(name, message) do
    with pid when is_pid(pid) <- Process.whereis(name), do: send(pid, message)
  end

  defp configured, do: Application.fetch_env!(:chat, :peers)
end
