defmodule Chat.Users do
  @moduledoc "Who is connected: a registry of connections by user. One user may have several."

  alias Chat.{Janitor, Outbox}

  def child_spec(_) do
    Registry.child_spec(
      keys: :duplicate,
      name: __MODULE__,
      partitions: System.schedulers_online(),
      listeners: [Janitor]
    )
  end

  @doc "Makes the calling process a connection of `user`."
  @spec enter(String.t(), Outbox.t()) :: :ok
  def enter(user, outbox) do
    {:ok, _} = Registry.register(__MODULE__, user, outbox)
    :ok
  end

  @doc "Delivers to every connection of `user`."
  @spec deliver(String.t(), binary) :: :ok | :no_such_user
  def deliver(user, text) do
    connections = Registry.lookup(__MODULE__, user)

    # The registry hears of a death a moment later than others do.
    case Enum.filter(connections, fn {pid, _} -> Process.alive?(pid) end) do
      [] -> :no_such_user
      living -> Enum.each(living, &deliver_to(&1, text))
    end
  end

  defp deliver_to({pid, outbox}, text) do
    Outbox.put(outbox, pid, byte_size(text), {:direct, text})
  end

  @spec connections() :: [pid]
  def connections, do: Registry.select(__MODULE__, [{{:_, :"$1", :_}, [], [:"$1"]}])
end
