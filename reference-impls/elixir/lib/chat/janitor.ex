defmodule Chat.Janitor do
  @moduledoc """
  Says `user_left` for connections that ended, however they ended.

  The directory forgets a dead process without a word, and a process that was killed can't run any
  code of its own. The janitor listens to the directory, monitors each connection, and knows what to
  announce when it is gone.
  """
  use GenServer

  alias Chat.{Directory, Protocol}

  def start_link(_), do: GenServer.start_link(__MODULE__, %{}, name: __MODULE__)

  @impl true
  def init(connections), do: {:ok, connections}

  @impl true
  def handle_info({:register, Directory, {:user, user}, pid, _value}, connections) do
    Process.monitor(pid)
    {:noreply, Map.put(connections, pid, {user, MapSet.new()})}
  end

  def handle_info({:register, Directory, {:room, room}, pid, _value}, connections) do
    {:noreply, update_rooms(connections, pid, &MapSet.put(&1, room))}
  end

  def handle_info({:unregister, Directory, {:room, room}, pid}, connections) do
    {:noreply, update_rooms(connections, pid, &MapSet.delete(&1, room))}
  end

  def handle_info({:DOWN, _monitor, :process, pid, _reason}, connections) do
    {{user, rooms}, connections} = Map.pop!(connections, pid)
    for room <- rooms, do: Directory.publish(room, Protocol.user_left(room, user), pid)
    {:noreply, connections}
  end

  defp update_rooms(connections, pid, change) do
    Map.update!(connections, pid, fn {user, rooms} -> {user, change.(rooms)} end)
  end
end
