"""A bot that counts what people say. Usage: bot.py URL ROOM"""

import asyncio
import sys
from collections import Counter

import chinwag


async def main(url: str, room: str) -> None:
    said: Counter[str] = Counter()
    async with chinwag.Client(url, "counter") as bot:
        await bot.join(room)
        async for message in bot.messages():
            if message.type != "message" or message.user == bot.user:
                continue
            said[message.user] += 1
            if message.content == "!count":
                counts = ", ".join(f"{user}: {count}" for user, count in said.most_common(5))
                await bot.send(room, counts)


if len(sys.argv) != 3:
    sys.exit(__doc__)
try:
    asyncio.run(main(*sys.argv[1:]))
except chinwag.ChinwagError as error:
    sys.exit(f"bot: {error}")
