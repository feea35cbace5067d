defmodule Chat.Work do
  @moduledoc """
  Work for the processor, which stands for what a handler may compute before a message goes out.
  """

  import Bitwise

  @offset_basis 0x811C9DC5
  @prime 0x01000193
  @mask 0xFFFFFFFF

  @doc """
  FNV-1a, 32 bit, of the text's bytes. Each further round starts from the hash before. The process
  keeps the last hash, under this module's name: what is kept can't be optimised away.
  """
  @spec run(binary, rounds :: non_neg_integer) :: term
  def run(_text, 0), do: nil
  def run(text, rounds), do: Process.put(__MODULE__, hash(text, rounds, @offset_basis))

  defp hash(_text, 0, hash), do: hash
  defp hash(text, rounds, hash), do: hash(text, rounds - 1, round(text, hash))

  # The product has 57 bits: no integer here is too large for a word.
  defp round(<<byte, rest::binary>>, hash), do: round(rest, bxor(hash, byte) * @prime &&& @mask)
  defp round(<<>>, hash), do: hash
end
