from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from intake.framing import Broken, Frame, FrameDecoder, frame

BODIES = st.binary(max_size=60).map(lambda body: body.replace(b"\x0b", b"").replace(b"\x1c", b""))


@given(st.lists(BODIES, max_size=5), st.lists(st.integers(1, 40), min_size=1), st.booleans())
def test_frames_survive_any_cutting_of_the_stream(bodies: list[bytes], cuts: list[int], final_cr: bool) -> None:
    stream = b"".join(frame(body) if final_cr else frame(body)[:-1] for body in bodies)
    decoder, found, position, turn = FrameDecoder(), list[Frame | Broken](), 0, 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        found.extend(decoder.feed(stream[position : position + size]))
        position, turn = position + size, turn + 1
    found.extend(decoder.close())
    assert found == [Frame(body) for body in bodies]


@given(st.lists(st.binary(max_size=50)))
def test_arbitrary_bytes_are_all_accounted_for(chunks: list[bytes]) -> None:
    decoder = FrameDecoder()
    found = [event.body for chunk in chunks for event in decoder.feed(chunk)]
    found += [event.body for event in decoder.close()]
    marks = bytes.maketrans(b"", b"")

    def bare(data: bytes) -> bytes:
        return data.translate(marks, b"\x0b\x1c \t\n\r\x0c")

    assert bare(b"".join(found)) == bare(b"".join(chunks))


def test_noise_before_a_frame_is_reported_and_the_frame_found() -> None:
    assert list(FrameDecoder().feed(b"\r\nping\x0bMSH\x1c\r")) == [Broken("no-frame-start", b"\r\nping"), Frame(b"MSH")]


def test_a_message_without_its_start_mark_can_be_answered() -> None:
    assert list(FrameDecoder().feed(b"MSH|x\x1c\r")) == [Broken("no-frame-start", b"MSH|x", answerable=True)]


def test_a_message_begun_again_reports_the_first_attempt() -> None:
    assert list(FrameDecoder().feed(b"\x0bhalf\x0bwhole\x1c")) == [Broken("incomplete-frame", b"half"), Frame(b"whole")]


def test_a_message_beyond_the_limit_is_not_held() -> None:
    events = list(FrameDecoder(max_bytes=10).feed(b"\x0b" + b"x" * 11))
    assert events == [Broken("frame-too-large", b"x" * 10, fatal=True, answerable=True)]


def test_a_stream_cut_off_inside_a_message_reports_it() -> None:
    decoder = FrameDecoder()
    assert list(decoder.feed(b"\x0bMSH|half")) == []
    assert list(decoder.close()) == [Broken("incomplete-frame", b"MSH|half")]
