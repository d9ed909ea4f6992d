"""Celery doing nothing, on the product's own broker: what the pump is measured against."""

import os

from celery import Celery

app = Celery("nothing", broker=os.environ["BENCH_BROKER"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    task_default_queue="bench",
    broker_connection_retry_on_startup=True,
)


@app.task
def nothing():
    pass


@app.task
def said():
    """Say that everything before it is done."""
    app.connection().default_channel.client.set("bench-done", 1)
