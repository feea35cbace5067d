defmodule Chat.Directory do
  @moduledoc """
  Who is where: a registry of connections, by `{:user, name}` and by `{:room, name}`.

  A connection numbers its stays. A delivery carries the number, so that what was on its way when
  the connection left a room is not taken for news of the same room after it came back.
  """

  alias Chat.Directory.Connections

  @type place :: {:user | :room, String.t()}

  defdelegate child_spec(options), to: Connections

  @doc "The calling process will receive `{:published, place, stay, text}` of what is said there."
  defdelegate enter(place, stay, outbox), to: Connections

  defdelegate leave(place), to: Connections

  @doc "Delivers to every member of `room`, but not to the process `except`."
  @spec publish(String.t(), binary, except :: pid) :: :ok
  def publish(room, text, except), do: Connections.publish({:room, room}, text, except)

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
  def settle, do: :ok

  defdelegate connections, to: Connections, as: :all

  @doc "A process that all connections of its share need: those die with it."
  defdelegate heart, to: Connections

  @doc "What `/health` says beside the usual."
  @spec health() :: keyword
  def health, do: []
end
