defmodule Chat.Name do
  @moduledoc "Names of users and rooms: 1 to 64 bytes of UTF-8 without control characters."

  @bytes_max 64

  @spec valid?(term) :: boolean
  def valid?(name) when is_binary(name) and byte_size(name) in 1..@bytes_max, do: printable?(name)
  def valid?(_), do: false

  @doc "A random UUIDv4, for those who give no name."
  @spec random() :: String.t()
  def random do
    <<head::48, _::4, middle::12, _::2, tail::62>> = :crypto.strong_rand_bytes(16)
    hex = Base.encode16(<<head::48, 4::4, middle::12, 2::2, tail::62>>, case: :lower)
    <<a::binary-8, b::binary-4, c::binary-4, d::binary-4, e::binary-12>> = hex
    Enum.join([a, b, c, d, e], "-")
  end

  defp printable?(<<c::utf8, rest::binary>>) when c > 0x1F and c not in 0x7F..0x9F do
    printable?(rest)
  end

  defp printable?(rest), do: rest == ""
end
