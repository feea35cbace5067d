defmodule Chat.Janitor do
  @moduledoc """
  Says `user_left` for connections that ended, however they ended.

  The registries forget a dead process without a word, and a process that was killed can't run any
  code of its own. The janitor listens to both registries, monitors each connection, and knows what
  to announce when it is gone.
  """
  use GenServer

  alias Chat.{Event, Rooms, Users}

  def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  # A restarted janitor reads the registries: they are the truth, its state is derived.
  @impl true
  def init(_) do
    entries = fn registry ->
      Registry.select(registry, [{{:"$1", :"$2", :_}, [], [{{:"$1", :"$2"}}]}])
    end

    connections = for {user, pid} <- entries.(Users), into: %{}, do: {pid, watch(pid, user)}

    {:ok,
     Enum.reduce(entries.(Rooms), connections, fn {room, pid}, acc -> join(acc, pid, room) end)}
  end

  @impl true
  def handle_info({:register, Users, user, pid, _outbox}, connections) do
    {:noreply, Map.put_new_lazy(connections, pid, fn -> watch(pid, user) end)}
  end

  def handle_info({:register, Rooms, room, pid, _value}, connections) do
    {:noreply, join(connections, pid, room)}
  end

  def handle_info({:unregister, Rooms, room, pid}, connections) do
    {:noreply, update_rooms(connections, pid, &MapSet.delete(&1, room))}
  end

  def handle_info({:DOWN, _monitor, :process, pid, _reason}, connections) do
    {connection, connections} = Map.pop(connections, pid, {nil, []})
    announce(connection, pid)
    {:noreply, connections}
  end

  defp announce({user, rooms}, pid) do
    for room <- rooms, do: Rooms.publish(room, Event.user_left(room, user), pid)
  end

  defp watch(pid, user) do
    Process.monitor(pid)
    {user, MapSet.new()}
  end

  defp join(connections, pid, room), do: update_rooms(connections, pid, &MapSet.put(&1, room))

  # A pid may be unknown: a connection that ended while the janitor was being restarted.
  defp update_rooms(connections, pid, change) do
    case connections do
      %{^pid => {user, rooms}} -> %{connections | pid => {user, change.(rooms)}}
      %{} -> connections
    end
  end
end
