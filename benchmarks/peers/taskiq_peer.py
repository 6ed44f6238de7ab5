"""Taskiq on Redis streams, which acknowledge."""

import asyncio
import os

from taskiq_redis import RedisStreamBroker

from peers import producer

broker = RedisStreamBroker(url=os.environ["BENCH_URL"])


@broker.task(task_name="job")
async def job(kind: str, n: int, who: str, shop: str, items: list) -> None:
    producer.job(kind, n, who, shop, items)


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    loop.run_until_complete(broker.startup())
    producer.main(lambda *args: loop.run_until_complete(job.kiq(*args)))
    loop.run_until_complete(broker.shutdown())
