defmodule Chat.ListenerTest do
  # Changes the environment that the listener reads.
  use ExUnit.Case

  @ipv6_loopback {0, 0, 0, 0, 0, 0, 0, 1}
  @upgrade "GET /ws?user=NAME HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n" <>
             "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" <>
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
  @heartbeat ~s({"type":"heartbeat"})
  @heartbeats 50

  setup_all do
    {:ok, _} = Application.ensure_all_started(:cowboy)
    :ok
  end

  setup context do
    settings = [ip: context[:ip] || {127, 0, 0, 1}, port: 0, variant: context[:variant]]
    before = Application.get_all_env(:chat)
    on_exit(fn -> Application.put_all_env(chat: before) end)
    Application.put_all_env(chat: settings)
    start_supervised!(Chat.Listener)
    {:ok, socket} = :gen_tcp.connect(settings[:ip], :ranch.get_port(Chat.Listener), mode: :binary)
    :ok = :inet.setopts(socket, active: false)
    %{socket: socket}
  end

  defp masked(text), do: <<0x81, 0x80 + byte_size(text), 0::32, text::binary>>

  # All that comes until the server has ended its side, too.
  defp all(socket, sofar \\ "") do
    case :gen_tcp.recv(socket, 0, 5_000) do
      {:ok, more} -> all(socket, sofar <> more)
      {:error, :closed} -> sofar
    end
  end

  for variant <- ~w(default tuned) do
    @tag variant: variant
    test "who ends its own side is answered to the end: #{variant}", %{socket: socket} do
      :ok = :gen_tcp.send(socket, String.replace(@upgrade, "NAME", unquote(variant)))
      {:ok, "HTTP/1.1 101" <> _} = :gen_tcp.recv(socket, 0, 5_000)
      :ok = :gen_tcp.send(socket, String.duplicate(masked(@heartbeat), @heartbeats))
      :ok = :gen_tcp.shutdown(socket, :write)
      answers = all(socket) |> String.split(~s("heartbeat")) |> length()
      assert answers - 1 == @heartbeats
    end
  end

  @tag ip: @ipv6_loopback
  test "an address of IPv6 is listened on", %{socket: socket} do
    :ok = :gen_tcp.send(socket, "GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
    assert {:ok, "HTTP/1.1 200" <> _} = :gen_tcp.recv(socket, 0, 5_000)
  end

  test "CHAT_HOST may be of either family" do
    on_exit(fn -> System.delete_env("CHAT_HOST") end)

    for {host, ip} <- [{"::1", @ipv6_loopback}, {"127.0.0.2", {127, 0, 0, 2}}] do
      System.put_env("CHAT_HOST", host)
      assert Config.Reader.read!("config/runtime.exs")[:chat][:ip] == ip
    end
  end
end
