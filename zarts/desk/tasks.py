"""What the worker runs. Beat pokes, the rows say what is due."""

from celery import shared_task

from . import due


@shared_task
def tick():
    due.run(kind="worker")
