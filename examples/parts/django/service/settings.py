"""Django's settings; what differs between the stacks comes from the environment."""

from os import environ
from pathlib import Path
from urllib.parse import urlsplit

NAME = environ.get("SERVICE_NAME", "service")
VERSION = environ.get("VERSION", "1.0")
SECRET_KEY = environ["SECRET_KEY"]
HTTPS = environ.get("HTTPS") == "1"

database = urlsplit(environ["DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": database.hostname,
        "PORT": database.port,
        "NAME": database.path.lstrip("/"),
        "USER": database.username,
        "PASSWORD": database.password or "",
        "OPTIONS": {"connect_timeout": 3},
    }
}
BROKER_URL = environ.get("BROKER_URL", "")
CACHE_URL = environ.get("REDIS_URL", "")
QUOTES_URL, QUOTES_KEY = environ.get("QUOTES_URL", ""), environ.get("QUOTES_KEY", "")
SLOW_QUERY_S = 0.5

INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "service"]
MIDDLEWARE = [
    "service.observe.Observed",
    "service.observe.Maintained",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "service.accounts.Tokens",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "service.views"
AUTH_USER_MODEL = "service.Account"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ALLOWED_HOSTS = environ.get("ALLOWED_HOSTS", "*").split(",")
USE_TZ, TIME_ZONE = True, "UTC"

CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # nginx redirects to HTTPS

# Maintenance mode is on while this file is there.
MAINTENANCE = Path(environ.get("MAINTENANCE_FILE", "/tmp/maintenance"))


def to_file(name: str, level: str) -> dict[str, str]:
    """Return a handler that writes to a file of LOG_DIR, opened again when the file was rotated."""
    file = str(Path(environ["LOG_DIR"], name))
    return {"class": "logging.handlers.WatchedFileHandler", "filename": file, "level": level, "formatter": "line"}


FILES = {"errors": ("django_errors.log", "ERROR"), "security": ("security.log", "INFO")} if "LOG_DIR" in environ else {}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"}}
    | {handler: to_file(*said) for handler, said in FILES.items()},
    "root": {"handlers": ["stdout", *(["errors"] if FILES else [])], "level": "INFO"},
    "loggers": {name: {"handlers": ["security"] if FILES else []} for name in ("security", "django.security")},
}
