"""Settings, all from the environment. README.md has them in one table; a test holds it complete."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from watchwall import __version__
from watchwall.build import fingerprint
from watchwall.database import database
from watchwall.environment import (
    address,
    addresses,
    choice,
    flag,
    items,
    networks,
    number,
    redis,
    text,
    zone,
)
from watchwall.queue import channel_layer, make_huey

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATA_DIR = Path(text("WATCHWALL_DATA", str(BASE_DIR / "var"))).expanduser().resolve()

# Open pages reload when it changes, so it changes with every file of ours.
BUILD = f"{__version__}-{fingerprint(BASE_DIR)}"
NODE = text("WATCHWALL_NODE", socket.gethostname())


def secret_key() -> str:
    """The key from the environment, or one made once and kept beside the database."""
    given = text("WATCHWALL_SECRET_KEY", "")
    if given:
        return given
    try:
        return kept_key(DATA_DIR / "secret.key")
    except OSError as error:
        raise ImproperlyConfigured(
            f"the folder {DATA_DIR} cannot be used ({error.strerror}); "
            "make it writable, or name another with WATCHWALL_DATA"
        ) from None


def kept_key(path: Path) -> str:
    """The key in the file, which is made if it is not there yet."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written whole under another name (mkstemp makes it 0600) and then linked, so that of
        # two processes that start together both read the one key, and never half of it.
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(os.urandom(40).hex())
        try:
            os.link(name, path)
        except FileExistsError:
            pass
        finally:
            Path(name).unlink()
    return path.read_text().strip()


DEBUG = flag("WATCHWALL_DEBUG")
SECRET_KEY = secret_key()
# Otherwise it is this machine's own (widgets.checks).
SECRET_KEY_GIVEN = bool(text("WATCHWALL_SECRET_KEY", ""))
BIND = text("WATCHWALL_BIND", "127.0.0.1")
# Every name of this machine that a browser on it would use; a TV on the network needs
# WATCHWALL_HOSTS, or WATCHWALL_BIND with a plain address, which then is a host as well.
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *items("WATCHWALL_HOSTS")]
if BIND in {"0.0.0.0", "::"} and not items("WATCHWALL_HOSTS"):  # noqa: S104
    ALLOWED_HOSTS = ["*"]
elif BIND not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(f"[{BIND}]" if ":" in BIND else BIND)

# Over so many seconds `serve` sends its screens to other processes when it ends.
DRAIN = number("WATCHWALL_DRAIN", 2, 0, 60)
# Daphne closes a socket after so many seconds, and the page opens another.
SOCKET_LIFE = number("WATCHWALL_SOCKET_LIFE", 86_400, 1, 31_536_000)

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "widgets",
    "dashboard",
    # Below ours, whose command of the name run_huey wins.
    "huey.contrib.djhuey",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "watchwall.security.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "watchwall.urls"
ASGI_APPLICATION = "watchwall.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
        },
    }
]

# Of all windows that one web process holds. A raw sample takes 80 bytes, a minute or hour 250.
HUB_POINTS = number("WATCHWALL_HUB_POINTS", 2_000_000, 1_000, 1_000_000_000)
WORKERS = number("WATCHWALL_WORKERS", 4, 1, 64)
# What a commit survives: that Watchwall is killed, or that the power goes.
DURABLE = choice("WATCHWALL_DURABLE", "", ("", "PROCESS", "POWER")).lower()
DATABASES = {
    "default": database(
        text("DATABASE_URL", "sqlite:///" + quote(str(DATA_DIR / "watchwall.sqlite3"))),
        DATA_DIR,
        WORKERS,
        DURABLE,
    )
}

# Who may read /metrics from elsewhere.
METRICS_TOKEN = text("WATCHWALL_METRICS_TOKEN", "")
# Who is told once a minute that the wall works.
HEARTBEAT_URL = address("WATCHWALL_HEARTBEAT_URL")

REDIS_URL = redis("REDIS_URL")
CHANNEL_LAYERS: dict[str, Any] = {"default": channel_layer(REDIS_URL)}
# Of a body that is handed in, packed and unpacked.
PUSH_LIMIT = number("WATCHWALL_PUSH_LIMIT", 16, 1, 256) * 1_048_576
# Where sources may connect to; none given, anywhere.
EGRESS = networks("WATCHWALL_EGRESS")
# The folder whose programs the source `plugin` may run; "" for none.
PLUGINS = text("WATCHWALL_PLUGINS", "")
# The folders whose files the source `tail` may read; none given, nothing.
TAIL = items("WATCHWALL_TAIL")
# Who is asked whether this machine itself is cut off.
ANCHORS = addresses("WATCHWALL_ANCHORS")
# An object and not a dict: with a dict, Huey runs every task at once, in the caller, under DEBUG.
HUEY = make_huey(REDIS_URL)

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = zone("WATCHWALL_TIME_ZONE", "UTC")

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "watchwall.static.BuildStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# Where a proxy in front of us ends TLS, it must set X-Forwarded-Proto and pass the host on.
if flag("WATCHWALL_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "TEXT": {
            "()": "watchwall.logs.Lines",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        },
        "JSON": {"()": "watchwall.logs.JSONLines"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": choice("WATCHWALL_LOG", "text", ("TEXT", "JSON")),
        }
    },
    "root": {
        "handlers": ["stderr"],
        "level": choice("WATCHWALL_LOG_LEVEL", "WARNING", ("DEBUG", "INFO", "WARNING", "ERROR")),
    },
    # One INFO line a task would be most of the log.
    "loggers": {
        "huey": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "uvicorn.error": {"level": "WARNING"},
    },
}
