defmodule Chat.Faults do
  @moduledoc """
  What a defect would do. A kit asks for it and measures what follows: only with CHAT_FAULTS=1.

  `__crash` raises in the connection's process, and `__spin` keeps it busy for `ms`. `__kill` ends
  the connection's process in a way that it can't handle, and `__kill_janitor` and
  `__kill_directory` so those that all connections need.
  """

  alias Chat.{Build, Directory, Janitor, Protocol}
  require Logger

  @doc "What its client is answered: nothing, or by which build."
  @spec commit(map) :: [{:text, binary}]
  def commit(fields) do
    case Application.get_env(:chat, :faults) && commit(fields["type"], fields) do
      {:answer, text} -> [{:text, text}]
      _done -> []
    end
  end

  # Called by its full name, so that a process which has run for long meets a newly loaded module.
  defp commit("__build", _fields) do
    {:answer, Protocol.encode(type: "__build", build: Build.name())}
  end

  defp commit("__crash", _fields), do: raise("__crash was asked for")
  defp commit("__spin", %{"ms" => ms}), do: spin(now_ms() + ms)
  defp commit("__kill", _fields), do: kill("__kill", self())
  defp commit("__kill_janitor", _fields), do: kill("__kill_janitor", Process.whereis(Janitor))
  defp commit("__kill_directory", _fields), do: kill("__kill_directory", Directory.heart())
  defp commit(_type, _fields), do: :ok

  # A process that is killed says nothing, so the log has it from here.
  defp kill(type, pid) do
    Logger.error("#{type} was asked for: #{inspect(pid)} is killed")
    Process.exit(pid, :kill)
  end

  defp spin(until_ms), do: if(now_ms() < until_ms, do: spin(until_ms))

  defp now_ms, do: System.monotonic_time(:millisecond)
end
