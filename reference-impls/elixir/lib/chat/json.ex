defmodule Chat.Json do
  @moduledoc "JSON by jiffy, which is strict: RFC 8259 and nothing beside it."

  @doc "`:copy_strings` keeps a short name from holding on to the whole message it came in."
  @spec decode(binary) :: {:ok, term} | :error
  def decode(text) do
    {:ok, :jiffy.decode(text, [:return_maps, :copy_strings])}
  catch
    # Jiffy throws or raises, depending on its version.
    _kind, _reason -> :error
  end

  @doc "Encodes fields in the order given: `type` comes first on the wire."
  @spec encode(keyword) :: binary
  def encode(fields), do: IO.iodata_to_binary(:jiffy.encode({fields}))
end
