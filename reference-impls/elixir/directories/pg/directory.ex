defmodule Chat.Directory do
  @moduledoc """
  Who is where: process groups of connections, by `{:user, name}` and by `{:room, name}`, in `:pg`.

  `:pg` keeps processes and nothing about them: what deliveries need to know of a membership stands
  in a table beside it. Nor is it linked to its members, who would go on without it, connected and
  deaf: `Chat.Directory.Keeper` brings them back.
  """
  use Supervisor

  alias Chat.Directory.Keeper
  alias Chat.Outbox

  @scope __MODULE__.Scope
  @memberships __MODULE__.Memberships

  @type place :: {:user | :room, String.t()}

  def start_link(_), do: Supervisor.start_link(__MODULE__, nil, name: __MODULE__)

  @impl true
  def init(_) do
    # The table belongs to the supervisor: it is there again for whom the supervisor starts again.
    :ets.new(@memberships, [:named_table, :public, read_concurrency: true])
    scope = %{id: :pg, start: {:pg, :start_link, [@scope]}}
    # Whichever dies, both start anew: an empty scope, and a keeper who fills it once.
    Supervisor.init([scope, {Keeper, {@scope, @memberships}}], strategy: :one_for_all)
  end

  @doc "The calling process will receive `{:published, place, stay, text}` of what is said there."
  @spec enter(place, stay :: integer, Outbox.t()) :: :ok
  def enter(place, stay, outbox), do: Keeper.enter(place, stay, outbox)

  @spec leave(place) :: :ok
  def leave(place), do: Keeper.leave(place)

  @doc "Delivers to every member of `room`, but not to the process `except`."
  @spec publish(String.t(), binary, except :: pid) :: :ok
  def publish(room, text, except) do
    place = {:room, room}
    for pid <- members(place), pid != except, do: deliver(pid, place, text)
    :ok
  end

  @doc "As `publish`: where there are several nodes it waits until all have told their members."
  @spec announce(String.t(), binary, except :: pid) :: :ok
  def announce(room, text, except), do: publish(room, text, except)

  @doc "Delivers to every connection of `user`, but not to the process `except`."
  @spec direct(String.t(), binary, except :: pid) :: :ok | :no_such_user
  def direct(user, text, except) do
    place = {:user, user}

    # `:pg` hears of a death a moment later than others do.
    case Enum.filter(members(place), &(&1 != except and Process.alive?(&1))) do
      [] -> :no_such_user
      living -> Enum.each(living, &deliver(&1, place, text))
    end
  end

  @doc "What was published before is in its receivers' mailboxes when this returns."
  @spec settle() :: :ok
  def settle, do: :ok

  @spec connections() :: [pid]
  def connections do
    for [pid] <- :ets.match(@memberships, {{:"$1", {:user, :_}}, :_, :_}), do: pid
  end

  @doc "The process without which nobody is reached."
  @spec heart() :: pid
  def heart, do: Process.whereis(@scope)

  @doc "What `/health` says beside the usual."
  @spec health() :: keyword
  def health, do: []

  # Nobody while the scope starts anew.
  defp members(place), do: :pg.get_local_members(@scope, place)

  defp deliver(pid, place, text) do
    case :ets.lookup(@memberships, {pid, place}) do
      [{_, stay, outbox}] ->
        Outbox.put(outbox, pid, byte_size(text), {:published, place, stay, text})

      # It has left since its group was read.
      [] ->
        :ok
    end
  end
end
