"""A filter: no links, no shouting, and an answer to /who. Usage: moderation.py [PORT]"""

import asyncio
import sys

import chinwag

port = sys.argv[1] if len(sys.argv) > 1 else "4000"
if not port.isdecimal():
    sys.exit(__doc__)
server = chinwag.Server(port=int(port), allowed_origins="null")  # a page opened from disk


@server.on("join")
async def guard(join):
    # Asking a database would look like this: others don't wait meanwhile.
    await asyncio.sleep(0)
    if join.room.startswith("private-") and not join.room.endswith(join.user):
        join.refuse("this room belongs to somebody else")


@server.on("message")
def moderate(message):
    if "http://" in message.content or "https://" in message.content:
        message.refuse("no links here")
    elif message.content == "/who":
        message.answer(", ".join(sorted(one.user for one in server.members(message.room))))
    elif message.content.isupper():
        message.content = message.content.lower()


asyncio.run(server.serve())
