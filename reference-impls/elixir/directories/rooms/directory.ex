defmodule Chat.Directory do
  @moduledoc """
  Who is where: users in a registry of connections, rooms with those who gather what is said there.

  A connection numbers its stays. A delivery carries the number, so that what was on its way when
  the connection left a room is not taken for news of the same room after it came back.
  """
  use Supervisor

  alias Chat.Directory.{Connections, Rooms}
  alias Chat.{Janitor, Outbox}

  @type place :: {:user | :room, String.t()}

  def start_link(_), do: Supervisor.start_link(__MODULE__, nil)

  @impl true
  def init(_) do
    delay_ms = Application.get_env(:chat, :write_delay_ms, 0)
    rooms = {PartitionSupervisor, child_spec: {Rooms, delay_ms}, name: Rooms}
    Supervisor.init([Connections, rooms], strategy: :one_for_one)
  end

  @doc """
  The calling process will receive `{:published, place, stay, text}` of what its user is told, and
  `{:frames, place, stay, bytes, frames}` of what is said in a room.
  """
  @spec enter(place, stay :: integer, Outbox.t()) :: :ok
  def enter({:user, _name} = place, stay, outbox), do: Connections.enter(place, stay, outbox)

  # The janitor hears of it as it does from a registry.
  def enter({:room, room} = place, stay, outbox) do
    send(Janitor, {:register, __MODULE__, place, self(), stay})
    Rooms.enter(room, stay, outbox)
  end

  @spec leave(place) :: :ok
  def leave({:room, room} = place) do
    send(Janitor, {:unregister, __MODULE__, place, self()})
    Rooms.leave(room)
  end

  @doc "Delivers to every member of `room`, but not to the process `except`."
  @spec publish(String.t(), binary, except :: pid) :: :ok
  def publish(room, text, except), do: Rooms.say(room, text, except)

  @doc "As `publish`: where there are several nodes it waits until all have told their members."
  @spec announce(String.t(), binary, except :: pid) :: :ok
  def announce(room, text, except), do: publish(room, text, except)

  @doc "Delivers to every connection of `user`, but not to the process `except`."
  @spec direct(String.t(), binary, except :: pid) :: :ok | :no_such_user
  def direct(user, text, except) do
    if Connections.deliver({:user, user}, text, except) > 0, do: :ok, else: :no_such_user
  end

  @doc "What was published before is in its receivers' mailboxes when this returns."
  @spec settle() :: :ok
  def settle, do: Rooms.settle()

  defdelegate connections, to: Connections, as: :all

  @doc "A process that all connections of its share need: those die with it."
  defdelegate heart, to: Connections

  @doc "What `/health` says beside the usual."
  @spec health() :: keyword
  def health, do: []
end
