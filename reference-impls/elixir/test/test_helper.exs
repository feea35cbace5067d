defmodule Chat.Frames do
  @moduledoc "The texts in frames of a server, up to 64 KiB each."

  @spec texts(iodata) :: [binary]
  def texts(frames), do: frames |> IO.iodata_to_binary() |> split()

  defp split(<<0x81, size, text::binary-size(size), rest::binary>>) when size < 126 do
    [text | split(rest)]
  end

  defp split(<<0x81, 126, size::16, text::binary-size(size), rest::binary>>) do
    [text | split(rest)]
  end

  defp split(""), do: []
end

# The application is not started: a session needs the directory and the janitor, and no web server.
{:ok, _} = Application.ensure_all_started(:jiffy)
children = [Chat.Janitor, Chat.Directory]
{:ok, _} = Supervisor.start_link(children, strategy: :rest_for_one)

# Built with CHAT_DIRECTORY=pg, its own tests run too.
pg? = System.get_env("CHAT_DIRECTORY") == "pg"
# A busy machine may take longer than the 100 ms that are the default.
ExUnit.start(exclude: if(pg?, do: [], else: [:pg]), assert_receive_timeout: 5_000)
