"""What the worker runs. Beat pokes, the rows say what is due."""

from celery import shared_task
from celery.signals import worker_process_shutdown

from . import due, pulse


@shared_task
def tick():
    due.run(kind="worker")


@worker_process_shutdown.connect
def leave(**about):
    pulse.leave()
