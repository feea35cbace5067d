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
    # The registry hears of a death a moment later than others do.
    case for({pid, _} = entry <- Registry.lookup(__MODULE__, user), Process.alive?(pid), do: entry) do
      [] ->
        :no_such_user

      connections ->
        for {pid, outbox} <- connections do
          Outbox.put(outbox, pid, byte_size(text), {:direct, text})
        end

        :ok
    end
  end

  @spec connections() :: [pid]
  def connections, do: Registry.select(__MODULE__, [{{:_, :"$1", :_}, [], [:"$1"]}])
end
