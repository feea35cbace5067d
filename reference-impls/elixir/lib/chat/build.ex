defmodule Chat.Build do
  @moduledoc "What one build is told from another by: a new one has another name here."

  @name "1"

  @spec name :: String.t()
  def name, do: @name
end
