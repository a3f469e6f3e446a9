"""Daphne, with what it lacks, without a socket."""

from __future__ import annotations

import gc
from io import BytesIO

import pytest
from daphne import http_protocol
from django.conf import LazySettings

from watchwall.servers import spare_what_is_there
from watchwall.servers.daphne import Request


@pytest.mark.parametrize(("sent", "kept"), [(5, 5), (10, 10), (11, 11), (500, 11)])
def test_of_a_body_that_is_too_large_no_more_is_kept_than_shows_it(
    settings: LazySettings, sent: int, kept: int
) -> None:
    settings.PUSH_LIMIT = 10
    request = Request.__new__(Request)
    request.content = BytesIO()

    for _ in range(sent):
        request.handleContentChunk(b"x")

    assert len(request.content.getvalue()) == kept


def test_daphne_makes_its_requests_so() -> None:
    assert http_protocol.WebRequest is Request


def test_what_is_there_at_the_start_is_never_looked_at_again() -> None:
    before = gc.get_threshold()
    try:
        spare_what_is_there()

        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold()[0] > before[0]
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
