# The application is not started: a session needs the registries and the janitor, and no web server.
{:ok, _} = Application.ensure_all_started(:jiffy)
children = [Chat.Users, Chat.Rooms, Chat.Janitor]
{:ok, _} = Supervisor.start_link(children, strategy: :one_for_one)

ExUnit.start()
