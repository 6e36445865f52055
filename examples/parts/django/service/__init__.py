"""A small service that stands for the Django applications of three runbooks.

The environment says which: SERVICE_NAME, VERSION, SECRET_KEY and DATABASE_URL; REDIS_URL (the cache) and BROKER_URL
where it has them; LOG_DIR for log files; HTTPS=1 behind TLS; QUOTES_URL and QUOTES_KEY of the outside API;
PROBE_PASSWORD of the account that `manage.py seed` makes for checks.
"""

from .queue import app as celery_app

__all__ = ["celery_app"]
