from pytest_opscheck import celery, check


@check(
    celery.reachable,
    limit="== PONG",
    severity="P0",
    suites=("*",),
    action="See whether redis-server runs, and what its log says",
)
def test_reachable(reachable, expect):
    """Celery's broker answers."""
    expect(reachable.target)


@check(
    celery.workers,
    limit={"P1": ">= 1"},
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    action="See whether the workers run, and what their log says: systemctl status celery, or docker compose ps",
)
def test_workers(workers, expect):
    """Celery's workers answer.

    So many answer a ping within 2 s; and each that `names` names, for example `names = ["scoring@*", "celery@db1"]`.
    A worker of the solo pool can't answer while it works on a task: it is connected, and does not answer.
    """
    silent = workers.connected - len(workers.answering)
    expect(
        len(workers.answering),
        subject="workers that answer" + (f" (of {workers.connected} connected)" if silent else ""),
    )
    for name in workers.named:
        expect("answering" if workers.answers(name) else "missing", subject=name, limit="== answering")


@check(
    celery.queue_length,
    units=("",),
    action="See whether workers keep up: celery -A APP inspect active; start more, or find the task that takes so long",
)
def test_queue_length(queue_length, expect):
    """Celery's queues are short.

    Of each of `queues` (by default Celery's own default queue, `celery`): the messages of every priority that wait in
    Redis, and those that workers have taken and not yet done. Tasks for later (eta, countdown) are not among them.
    """
    for queue in queue_length:
        taken = f" ({queue.taken} of them taken by workers)" if queue.taken else ""
        expect(queue.length, subject=f"messages in {queue.name}{taken}")
