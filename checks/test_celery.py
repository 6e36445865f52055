from pytest_opscheck import NEEDED, celery, check
from pytest_opscheck.probes.celery import WorkerLimits


@check(
    celery.reachable,
    limit="== PONG",
    severity="P0",
    suites=("*",),
    action="Check whether the broker (redis-server, rabbitmq-server) runs, and what its log says",
)
def test_reachable(reachable, expect):
    r"""Celery's broker answers.

    Redis answers PING; RabbitMQ opens a connection to the virtual host, and a channel.

    Needs: Redis: `ACL SETUSER NAME ~* +ping +info +llen +lindex +hlen +hscan +smembers +scan`, and for what asks the
    workers `&* +publish +sadd +srem +del +blpop`. RabbitMQ: `rabbitmqctl set_permissions -p VHOST USER '^amq\.gen-'
    '^(amq\.gen-.*|celery\.pidbox)$' '.*'`.

    Example:
        [celery.tasks]
        broker = "${REDIS_URL}"
        [celery.reports]
        broker = "amqp://ops@mq.example.com:5672/reports"
        expect = { reachable = { severity = "P1" } }
    """
    expect(reachable.target)


@check(
    celery.workers,
    limit={"P1": ">= 1"},
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    action="Check whether the workers run, and what their log says: systemctl status celery, or docker compose ps",
)
def test_workers(workers, expect):
    """Celery's workers answer.

    The number that answer a ping within 2 s, and each worker in `names`, for example `names = ["scoring@*",
    "celery@db1"]`. The workers of every application on that broker, database and control_exchange answer: if several
    share them, name your own. A worker of the solo pool can't answer while it works on a task: it is connected (Redis
    shows how many are), but does not answer. The reply queue is removed from Redis, and ends in RabbitMQ with the
    connection.

    Needs: workers that listen (worker_enable_remote_control is on by default), and the rights for queries that
    `reachable` lists.

    Example:
        [celery.tasks]
        broker = "${REDIS_URL}"
        expect = { workers = { names = ["scoring@*", "celery@*"] } }
    """
    silent = workers.connected - len(workers.answering)
    expect(
        len(workers.answering),
        subject="workers that answer" + (f" (of {workers.connected} connected)" if silent else ""),
    )
    for name in workers.named:
        expect("answering" if workers.answers(name) else "missing", subject=name, limit="== answering")


@check(
    celery.concurrency,
    takes="workers",
    asks={"workers": lambda workers: (*workers,)},
    suites=("weekly",),
    action="See how the worker is started: its --concurrency, or worker_concurrency in the application's settings",
)
def test_concurrency(concurrency, expect, *, workers: WorkerLimits = NEEDED):
    """Celery's workers work on as many tasks at once as they should.

    Of each worker that answers within 2 s, and whose name a pattern matches: max-concurrency of its pool, as in `celery
    inspect stats`. With --autoscale it is the pool's size at the moment. A pattern without an answering worker is a
    breach.

    Needs: what `workers` needs.

    Example:
        [celery.tasks]
        broker = "${REDIS_URL}"
        expect = { concurrency = { "celery@*" = 4, "scoring@*" = { P2 = ">= 8" } } }
    """
    for pool in concurrency:
        ladder = workers[pool.pattern]
        if pool.size is None:
            expect("missing", subject=pool.worker, limit="== answering", severity=ladder.worst)
        else:
            expect(pool.size, subject=f"concurrency of {pool.worker}", limit=ladder)


@check(
    celery.queue_length,
    units=("",),
    action="Check whether workers keep up: celery -A APP inspect active; start more, or find the task that takes long",
)
def test_queue_length(queue_length, expect):
    """Celery's queues are short.

    Of each of `queues` (by default Celery's own default queue, `celery`): the messages of every priority that wait in
    Redis, and those that workers have taken and not yet done: celery-exporter counts priority 0 alone (its issue 272),
    and not what is taken (issue 218). Tasks for later (eta, countdown) are not among them. RabbitMQ reports over AMQP
    how many wait, but not how many are taken (unacknowledged): there only waiting ones count.

    Needs: the rights to read that `reachable` lists.

    Example:
        [celery.tasks]
        broker = "${REDIS_URL}"
        expect = { queue_length = { P2 = "< 100", P1 = "< 500", queues = ["default", "scoring"] } }
    """
    for queue in queue_length:
        taken = f" ({queue.taken} of them taken by workers)" if queue.taken else ""
        waiting = "waiting messages" if queue.taken is None else "messages"
        expect(queue.length, subject=f"{waiting} in {queue.name}{taken}")


@check(
    celery.oldest_task,
    units=("s",),
    action="See what the workers do instead: celery -A APP inspect active; start more, or find what takes long",
)
def test_oldest_task(oldest_task, expect):
    """No task waits for long.

    Of each of `queues`: for how long the message that comes next, in any of its priorities, has been waiting in Redis,
    since it was sent by the sender's clock; 0 s in an empty queue. A message that a worker has prefetched no longer
    waits. Celery does not write into a message when it was sent: the check is unknown until the application does, in a
    header `published_at` (seconds since 1970), or Sentry does (`sentry-task-enqueued-time`). In the application a
    function `def stamp(headers, **_): headers["published_at"] = time.time()`, and once
    `celery.signals.before_task_publish.connect(stamp)`. RabbitMQ shows no waiting message without taking it, so there
    the check is unknown unless the queue is empty.

    Needs: the rights to read that `reachable` lists.

    Example:
        [celery.tasks]
        broker = "${REDIS_URL}"
        expect = { oldest_task = { P2 = "< 5m", P1 = "< 1h", queues = ["default"] } }
    """
    for oldest in oldest_task:
        expect(oldest.seconds, "s", subject=f"oldest task in {oldest.queue}", why=oldest.why)
