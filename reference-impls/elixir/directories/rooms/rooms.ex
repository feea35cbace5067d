defmodule Chat.Directory.Rooms do
  @moduledoc """
  The rooms of one partition: who is in them, and what was said there since the last turn.

  What is said gathers in each room's log. A turn ends when nothing waits in this process's mailbox,
  and then each member is sent all of it as one message: it wakes up and writes once, however much
  was said. So without load a message goes on at once, and the busier the scheduler is, the more
  goes together. The process has a low priority, which lets busy connections run some rounds before
  it does: they read, and their messages gather here. With a write delay the turn ends when that is
  over, by one timer for all rooms.

  A turn has a bound, in bytes of a room and in messages of all: a busy room does not make the
  others wait.

  This process is woken as any other, behind the connections that are due before it; but from the
  first message on until the turn ends it has a high priority. It works for hundreds of connections,
  and where each of them has something to do, one share of the scheduler as theirs would not be
  enough: its mailbox would grow for as long as that lasts.
  """
  use GenServer

  alias Chat.Directory.Log
  alias Chat.Outbox

  @chunk_bytes 65_536
  @turn_messages 512

  # `spoken` are the rooms in which something waits for the turn's end, `waiting` says how many
  # messages were taken since the last one. `timer?` is for a delay alone.
  @enforce_keys [:delay_ms]
  defstruct @enforce_keys ++ [rooms: %{}, places: %{}, spoken: %{}, waiting: 0, timer?: false]

  def start_link(delay_ms), do: GenServer.start_link(__MODULE__, delay_ms)

  @doc """
  The calling process is in `room` from now on: what is said later it is sent as
  `{:frames, {:room, room}, stay, bytes, frames}`, of WebSocket frames. It hears of the partition's
  end, if it traps exits; and the partition of its own.
  """
  @spec enter(String.t(), stay :: integer, Outbox.t()) :: :ok
  def enter(room, stay, outbox) do
    partition = GenServer.whereis(partition(room))
    Process.link(partition)
    GenServer.cast(partition, {:enter, room, self(), {stay, outbox}})
  end

  @spec leave(String.t()) :: :ok
  def leave(room), do: GenServer.cast(partition(room), {:leave, room, self()})

  @doc "Delivers at the end of the turn."
  @spec say(String.t(), text :: binary, except :: pid) :: :ok
  def say(room, text, except), do: GenServer.cast(partition(room), {:say, room, text, except})

  @doc "What was said before is in its members' mailboxes when this returns."
  @spec settle() :: :ok
  def settle do
    for {_id, partition, _type, _modules} <- PartitionSupervisor.which_children(__MODULE__),
        do: :ok = GenServer.call(partition, :settle)

    :ok
  end

  @impl true
  def init(delay_ms) do
    Process.flag(:trap_exit, true)
    Process.flag(:message_queue_data, :off_heap)
    {:ok, %__MODULE__{delay_ms: delay_ms}}
  end

  @impl true
  def handle_cast({:say, room, text, except}, state) when is_map_key(state.rooms, room) do
    frame = :cow_ws.frame({:text, text}, %{})
    log = Log.say(Map.fetch!(state.rooms, room), frame, except)
    if state.waiting == 0, do: Process.flag(:priority, :high)
    state = %{state | rooms: Map.put(state.rooms, room, log), waiting: state.waiting + 1}

    if log.bytes >= @chunk_bytes,
      do: room |> deliver(state) |> go_on(),
      else: go_on(%{state | spoken: Map.put(state.spoken, room, [])})
  end

  def handle_cast({:say, _nobody_is_there, _text, _except}, state), do: go_on(state)

  def handle_cast({:enter, room, pid, member}, state) do
    log = state.rooms |> Map.get(room, %Log{}) |> Log.enter(pid, member)
    places = Map.update(state.places, pid, [room], &[room | &1])
    go_on(%{state | rooms: Map.put(state.rooms, room, log), places: places})
  end

  def handle_cast({:leave, room, pid}, state) do
    places = Map.update(state.places, pid, [], &List.delete(&1, room))
    go_on(remove(room, pid, %{state | places: places}))
  end

  @impl true
  def handle_call(:settle, _from, state), do: {:reply, :ok, turn(state)}

  @impl true
  def handle_info(:timeout, state), do: {:noreply, turn(state)}
  def handle_info(:turn, state), do: {:noreply, turn(%{state | timer?: false})}

  # A connection ended. The janitor says goodbye for it.
  def handle_info({:EXIT, pid, _reason}, state) do
    {rooms, places} = Map.pop(state.places, pid, [])
    go_on(Enum.reduce(rooms, %{state | places: places}, &remove(&1, pid, &2)))
  end

  def handle_info(_message, state), do: go_on(state)

  defp go_on(%{waiting: 0} = state), do: {:noreply, state}
  defp go_on(%{waiting: @turn_messages, delay_ms: 0} = state), do: {:noreply, turn(state)}
  # With nothing in the mailbox it is the turn's end.
  defp go_on(%{delay_ms: 0} = state), do: {:noreply, state, 0}
  defp go_on(%{timer?: true} = state), do: {:noreply, state}

  defp go_on(%{delay_ms: delay_ms} = state) do
    Process.send_after(self(), :turn, delay_ms)
    {:noreply, %{state | timer?: true}}
  end

  defp turn(state) do
    state = Enum.reduce(Map.keys(state.spoken), %{state | waiting: 0}, &deliver/2)
    Process.flag(:priority, :normal)
    state
  end

  defp deliver(room, state) do
    {deliveries, log} = state.rooms |> Map.fetch!(room) |> Log.turn()

    for {pid, {stay, outbox}, bytes, frames} <- deliveries do
      Outbox.put(outbox, pid, bytes, {:frames, {:room, room}, stay, bytes, frames})
    end

    %{state | rooms: Map.put(state.rooms, room, log), spoken: Map.delete(state.spoken, room)}
  end

  # What waits in a room for nobody goes with it.
  defp remove(room, pid, state) do
    log = Log.leave(Map.fetch!(state.rooms, room), pid)

    if Log.empty?(log),
      do: %{
        state
        | rooms: Map.delete(state.rooms, room),
          spoken: Map.delete(state.spoken, room)
      },
      else: %{state | rooms: Map.put(state.rooms, room, log)}
  end

  defp partition(room), do: {:via, PartitionSupervisor, {__MODULE__, room}}
end
