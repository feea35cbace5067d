defmodule Chat.MixProject do
  use Mix.Project

  # CHAT_ADAPTER names the web server: a folder of adapters/.
  # CHAT_DIRECTORY names what knows who is where: a folder of directories/.
  # CHAT_DEPS=hex fetches the libraries from hex.pm; without it they are on ERL_LIBS already.
  # CHAT_BUILD_FOLDER is where everything that is made goes; the source folder stays as it is.
  @adapter System.get_env("CHAT_ADAPTER", "cowboy")
  @directory System.get_env("CHAT_DIRECTORY", "registry")
  @hex? System.get_env("CHAT_DEPS") == "hex"
  @build Path.expand(System.get_env("CHAT_BUILD_FOLDER", "../../build/servers/elixir"), __DIR__)

  def project do
    [
      app: :chat,
      version: "0.1.0",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      elixirc_paths: ~w(lib adapters/#{@adapter} directories/connections directories/#{@directory}),
      # Compiled code of one OTP version does not always load in another one.
      build_path: "#{@build}/#{@adapter}-#{@directory}-otp#{System.otp_release()}",
      deps_path: "#{@build}/deps",
      lockfile: "#{@build}/mix.lock",
      prune_code_paths: @hex?,
      deps: if(@hex?, do: dependencies(@adapter), else: []),
      aliases: [test: "test --no-start"],
      releases: [chat: [path: "#{@build}/release", include_executables_for: [:unix]]]
    ]
  end

  # Libraries that come by ERL_LIBS are no deps: a release takes them only when they are named here.
  def application do
    [mod: {Chat.Application, []}, extra_applications: [:logger, :crypto, :jiffy | apps(@adapter)]]
  end

  defp apps("cowboy"), do: [:cowlib, :ranch, :cowboy]
  defp apps("bandit"), do: [:bandit, :plug, :thousand_island, :websock]

  defp dependencies("cowboy"), do: [{:cowboy, "~> 2.8"}, {:jiffy, "~> 1.1"}]

  # Elixir 1.14 compiles none newer of the first two; Bandit brings hpax along.
  defp dependencies("bandit"), do: [{:bandit, "~> 1.11.0"}, {:hpax, "< 1.0.4"}, {:jiffy, "~> 1.1"}]
end
