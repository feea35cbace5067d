defmodule Chat.Directory.Log do
  @moduledoc """
  What is said in one room during a turn, once for all of its members.

  Frames are appended as they come. At the turn's end they become one binary, the log's chunk, which
  every member is given: a binary of that size is shared between processes, not copied, and freed
  when the last member has written it. Some do not hear all of a chunk: who joined in the middle of
  it begins at its cursor, the chunk's length at that time, and who said something has its own frame
  by another way. Such a member is given the parts of the same chunk around these cuts.
  """

  # `cuts` has spans of the chunk that a member is not given, the last one first.
  defstruct members: %{}, frames: [], bytes: 0, cuts: %{}

  @type span :: {at :: non_neg_integer, bytes :: non_neg_integer}
  @type t :: %__MODULE__{
          members: %{pid => term},
          frames: iodata,
          bytes: non_neg_integer,
          cuts: %{pid => [span]}
        }
  @type delivery :: {pid, member :: term, bytes :: pos_integer, iodata}

  @doc "From here on `pid` hears what others say. `member` comes back with what is delivered to it."
  @spec enter(t, pid, member :: term) :: t
  def enter(log, pid, member) do
    cuts = if log.bytes > 0, do: Map.put(log.cuts, pid, [{0, log.bytes}]), else: %{}
    %{log | members: Map.put(log.members, pid, member), cuts: cuts}
  end

  @spec leave(t, pid) :: t
  def leave(log, pid) do
    %{log | members: Map.delete(log.members, pid), cuts: Map.delete(log.cuts, pid)}
  end

  @doc "Appends a frame that all members but `except` hear."
  @spec say(t, iodata, except :: pid) :: t
  def say(log, frame, except) do
    bytes = IO.iodata_length(frame)
    span = {log.bytes, bytes}

    cuts =
      if is_map_key(log.members, except),
        do: Map.update(log.cuts, except, [span], &[span | &1]),
        else: log.cuts

    %{log | frames: [log.frames | frame], bytes: log.bytes + bytes, cuts: cuts}
  end

  @doc "Who is given what of this turn, and the log for the next one."
  @spec turn(t) :: {[delivery], t}
  def turn(log) do
    chunk = IO.iodata_to_binary(log.frames)

    deliveries =
      for {pid, member} <- log.members,
          {bytes, frames} = heard(chunk, log.bytes, log.cuts, pid),
          bytes > 0,
          do: {pid, member, bytes, frames}

    {deliveries, %{log | frames: [], bytes: 0, cuts: %{}}}
  end

  @spec empty?(t) :: boolean
  def empty?(log), do: log.members == %{}

  defp heard(chunk, bytes, cuts, pid) do
    case cuts do
      %{^pid => spans} -> around(spans, chunk, bytes, 0, [])
      _all_of_it -> {bytes, chunk}
    end
  end

  # Goes from the chunk's end to its start: `till` is where the part before the cuts seen ends.
  defp around([{at, bytes} | earlier], chunk, till, heard, parts) do
    {heard, parts} = part(chunk, at + bytes, till, heard, parts)
    around(earlier, chunk, at, heard, parts)
  end

  defp around([], chunk, till, heard, parts), do: part(chunk, 0, till, heard, parts)

  defp part(_chunk, till, till, heard, parts), do: {heard, parts}

  defp part(chunk, from, till, heard, parts) do
    {heard + till - from, [binary_part(chunk, from, till - from) | parts]}
  end
end
