"""A chat server; open examples/chat.html twice. Usage: chat_server.py [PORT]"""

import asyncio
import sys

import chinwag

port = sys.argv[1] if len(sys.argv) > 1 else "4000"
if not port.isdecimal():
    sys.exit(__doc__)
server = chinwag.Server(port=int(port), allowed_origins="null")  # a page opened from disk


@server.on("open")
def greet(connection):
    connection.send(f"Hello {connection.user}")
    print(f"{connection.user} is here", flush=True)


asyncio.run(server.serve())
