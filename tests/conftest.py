"""A tiny cast: who asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import hypothesis
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client

from dashboard.live.hub import Hub, current
from e2e.servers import Postgres, Redis
from tests import counterparts
from tests.data import DATABASE
from tests.pushing import Sender
from widgets import record
from widgets.push import tokens

# Otherwise a machine that is busy fails what has nothing to do with time.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")


@pytest.fixture
def owner(db: None) -> Client:
    """May do everything."""
    return _signed_in(User.objects.create_superuser("owner"))


@pytest.fixture
def viewer(db: None) -> Client:
    """Is signed in and may look."""
    return _signed_in(User.objects.create_user("viewer"))


@pytest.fixture
def stranger(db: None) -> Client:
    """Is nobody we know."""
    return Client()


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
async def hub(transactional_db: None) -> AsyncIterator[Hub]:
    """The hub of this process, on a database that its thread sees too."""
    here = current()
    yield here
    await here.stop()


@pytest.fixture
async def sender(transactional_db: None) -> AsyncIterator[Sender]:
    """A sender with a token for everything."""
    token = await sync_to_async(tokens.create)("everything", ["*"])
    sender = Sender(token=token)
    yield sender
    await sync_to_async(record.stop)()
    await sync_to_async(sender.application.stop)()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """A PostgreSQL made for the tests goes with all that is in it; to drop a database first, every
    thread that asked it would have to be over."""
    return DATABASE == "postgresql"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for processes of a test's own."""
    server = Postgres().start()
    yield server
    server.close()


@pytest.fixture
def redis_server() -> Iterator[Redis]:
    """A Redis that a test may break."""
    server = Redis().start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def node_exporter() -> Iterator[str]:
    """The address of a node exporter."""
    with counterparts.node_exporter() as url:
        yield url


@pytest.fixture(scope="module")
def prometheus(node_exporter: str) -> Iterator[str]:
    """The address of a Prometheus that scrapes it; its past ends when it begins, so it must be
    young."""
    with counterparts.prometheus(node_exporter) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb() -> Iterator[int]:
    """The port of a MariaDB."""
    with counterparts.mariadb() as port:
        yield port
