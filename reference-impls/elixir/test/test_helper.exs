# The application is not started: a session needs the directory and the janitor, and no web server.
{:ok, _} = Application.ensure_all_started(:jiffy)
children = [Chat.Janitor, Chat.Directory]
{:ok, _} = Supervisor.start_link(children, strategy: :rest_for_one)

ExUnit.start()
