"""A frame: what each transport makes of one text, and how often."""

from __future__ import annotations

import asyncio

import pytest
from websockets.frames import Frame as Parsed
from websockets.frames import Opcode
from websockets.streams import StreamReader

from dashboard.live.outlet import WRITE, Frame, SocketOutlet

# The lengths at which RFC 6455 writes them another way, and those beside.
LENGTHS = [1, 125, 126, 127, 65_535, 65_536, 200_000]


def parsed(data: bytes) -> Parsed:
    """What an independent reader makes of it; it must take all of it."""
    reader = StreamReader()
    reader.feed_data(data)
    reading = Parsed.parse(reader.read_exact, mask=False)
    try:
        next(reading)
    except StopIteration as done:
        assert not reader.buffer
        frame: Parsed = done.value
        return frame
    raise AssertionError("the frame is not whole")


@pytest.mark.parametrize("length", LENGTHS)
def test_a_frame_of_any_length_is_one_whole_text_frame(length: int) -> None:
    frame = parsed(Frame("x" * length).websocket)

    assert (frame.opcode, frame.fin) == (Opcode.TEXT, True)
    assert (frame.rsv1, frame.rsv2, frame.rsv3) == (False, False, False)
    assert bytes(frame.data) == b"x" * length


@pytest.mark.parametrize("text", ["é" * 100, "▲ 中文 🚀" * 9000])
def test_lengths_count_bytes_and_not_characters(text: str) -> None:
    assert bytes(parsed(Frame(text).websocket).data).decode() == text


def test_half_a_character_does_not_silence_the_others() -> None:
    assert bytes(parsed(Frame("a\ud800b").websocket).data) == b"a?b"
    assert Frame("a\ud800b").events == b"data: a?b\n\n"


def test_every_encoding_is_made_once() -> None:
    frame = Frame("text")

    assert frame.websocket is frame.websocket
    assert frame.events is frame.events


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one", b"data: one\n\n"),
        ("one\ntwo", b"data: one\ndata: two\n\n"),
        ("one\r\ntwo\rthree\n", b"data: one\ndata: two\ndata: three\ndata: \n\n"),
        ("\u2028 is no end of a line", "data: \u2028 is no end of a line\n\n".encode()),
    ],
)
def test_each_line_is_a_field_of_the_event(text: str, expected: bytes) -> None:
    assert Frame(text).events == expected


async def test_a_server_that_lends_no_write_is_sent_to() -> None:
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    outlet = SocketOutlet(send, {"type": "websocket"})

    assert not outlet.write(Frame("text"))
    await outlet.send(Frame("text"))
    await outlet.close(4404)

    assert sent == [
        {"type": "websocket.send", "text": "text"},
        {"type": "websocket.close", "code": 4404},
    ]


async def test_a_server_that_lends_its_write_is_handed_the_ready_frame() -> None:
    written: list[Frame] = []

    def write(frame: Frame) -> bool:
        written.append(frame)
        return True

    outlet = SocketOutlet(lambda message: asyncio.sleep(0), {"extensions": {WRITE: write}})
    frame = Frame("text")

    assert outlet.write(frame)
    assert written == [frame]
