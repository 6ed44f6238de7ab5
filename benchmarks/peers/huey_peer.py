"""Huey on Redis, results off."""

import os

from huey import RedisHuey

from peers import producer

huey = RedisHuey("bench", url=os.environ["BENCH_URL"], results=False)


@huey.task()
def job(kind, n, who, shop, items):
    return producer.job(kind, n, who, shop, items)


if __name__ == "__main__":
    from peers.huey_peer import job as task

    producer.main(task)
