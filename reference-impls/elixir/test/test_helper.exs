# The application is not started: a session needs the directory and the janitor, and no web server.
{:ok, _} = Application.ensure_all_started(:jiffy)
children = [Chat.Janitor, Chat.Directory]
{:ok, _} = Supervisor.start_link(children, strategy: :rest_for_one)

# Built with CHAT_DIRECTORY=pg, its own tests run too.
pg? = System.get_env("CHAT_DIRECTORY") == "pg"
ExUnit.start(exclude: if(pg?, do: [], else: [:pg]))
