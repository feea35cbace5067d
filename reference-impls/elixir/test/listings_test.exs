defmodule Chat.ListingsTest do
  @moduledoc "What published code does, by copies of our own that keep its flaws."
  use ExUnit.Case, async: true

  test "in a registry with unique keys a room has one member" do
    start_supervised!({Registry, keys: :unique, name: Chat.ListingsTest.Rooms})
    test = self()

    joins =
      for _member <- 1..100 do
        spawn_link(fn ->
          send(test, Registry.register(Chat.ListingsTest.Rooms, "tea", nil))
          Process.sleep(:infinity)
        end)
      end

    answers = for _member <- joins, do: assert_receive({kind, _} when kind in [:ok, :error], 5_000)
    assert Enum.count(answers, &match?({:ok, _}, &1)) == 1
    assert Enum.count(answers, &match?({:error, {:already_registered, _}}, &1)) == 99
    assert length(Registry.lookup(Chat.ListingsTest.Rooms, "tea")) == 1
  end
end
