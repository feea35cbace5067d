defmodule Chat.Outbox do
  @moduledoc """
  Counts the bytes that wait in a connection's mailbox, and bounds them.

  A mailbox has no limit of its own: a member that does not read blocks its process in `send`, while
  everyone else goes on putting messages into its mailbox. So whoever delivers counts first. Beyond
  the pending limit nothing more is put there, and the count stays too high for good: the connection
  has missed something and must be closed.
  """

  @pending_bytes_max 1_048_576

  @type t :: :atomics.atomics_ref()

  @spec new() :: t
  def new, do: :atomics.new(1, signed: true)

  @doc "Sends `message`, which carries `bytes`, unless too much waits already."
  @spec put(t, pid, bytes :: non_neg_integer, message :: term) :: :ok
  def put(outbox, pid, bytes, message) do
    if :atomics.add_get(outbox, 1, bytes) <= @pending_bytes_max, do: send(pid, message)
    :ok
  end

  @doc "The connection took a message out of its mailbox."
  @spec take(t, bytes :: non_neg_integer) :: :ok | :overflow
  def take(outbox, bytes) do
    if :atomics.get(outbox, 1) > @pending_bytes_max,
      do: :overflow,
      else: :atomics.sub(outbox, 1, bytes)
  end
end
