defmodule Chat.Rooms do
  @moduledoc """
  Who is in which room: a registry of connections by room.

  A connection numbers its memberships. A delivery carries the number, so that what was on its way
  when the connection left is not taken for news of the same room after it came back.
  """

  alias Chat.{Janitor, Outbox}

  @type membership :: non_neg_integer

  def child_spec(_) do
    Registry.child_spec(
      keys: :duplicate,
      name: __MODULE__,
      partitions: System.schedulers_online(),
      listeners: [Janitor]
    )
  end

  @doc "Makes the calling process a member of `room`."
  @spec join(String.t(), membership, Outbox.t()) :: :ok
  def join(room, membership, outbox) do
    {:ok, _} = Registry.register(__MODULE__, room, {membership, outbox})
    :ok
  end

  @spec leave(String.t()) :: :ok
  def leave(room), do: Registry.unregister(__MODULE__, room)

  @doc "Delivers to every member, but not to the process `except`."
  @spec publish(String.t(), binary, except :: pid) :: :ok
  def publish(room, text, except) do
    bytes = byte_size(text)

    Registry.dispatch(__MODULE__, room, fn members ->
      for {pid, {membership, outbox}} <- members, pid != except do
        Outbox.put(outbox, pid, bytes, {:room, room, membership, text})
      end
    end)
  end
end
