"""Responses made by chance, on CPython: never anything but events and HTTPError.

Enters: valid responses built from parts, and the same with bytes changed.  Leaves: the proof that
what comes out depends neither on how the bytes were cut nor on the size of the pieces read past
the reader.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from http1 import BODY, END, HEAD, NEED_DATA, HTTPError, Reader, write_head
from hypothesis import given, settings
from hypothesis import strategies as st

_WANTED = ("content-type", "location")
_SIZE = 128

_token = st.text("abcXYZ019-_!~", min_size=1, max_size=12)
_value = st.text("abc XYZ/;,=\t\"19", max_size=40).map(lambda text: text.strip(" \t"))
_data = st.binary(max_size=300)


def play(data, cuts, past=0):
    """What comes out of `data` cut at `cuts`: head, body, how it ended, keep_alive.

    `past`: bytes of the body to take past the reader at once, where it lets us; 0 never.
    """
    reader = Reader(bytearray(_SIZE), _WANTED, 20, 700)
    head, body, at = None, b"", 0
    ends = sorted({c for c in cuts if 0 < c < len(data)} | {len(data)})
    for _ in range(10 * len(data) + 100):
        n = min(past, reader.body_left(), len(data) - at)
        if n:
            reader.took(n)
            body += data[at:at + n]
            at += n
        try:
            event = reader.next_event()
        except HTTPError as exc:
            return head, body, exc.args[0], None
        if event == HEAD:
            head = (reader.status, reader.headers, reader.length)
        elif event == BODY:
            assert 0 <= reader.start < reader.end <= _SIZE
            body += bytes(reader.buf[reader.start:reader.end])
        elif at == len(data):
            if event == END:
                return head, body, "end", reader.keep_alive
            reader.close()
        else:  # NEED_DATA, or END with bytes beyond it
            assert event in {NEED_DATA, END}
            start = reader.room()
            assert start < _SIZE
            n = min(min(e for e in ends if e > at) - at, _SIZE - start)
            reader.buf[start:start + n] = data[at:at + n]
            reader.feed(n)
            at += n
    raise AssertionError("does not end")


@st.composite
def responses(draw):
    """(bytes, status, body) of a valid response with a length or in chunks."""
    status = draw(st.sampled_from([200, 201, 302, 400, 404, 500, 599]))
    body = draw(_data)
    lines = [f"{name}: {value}" for name, value in draw(st.lists(st.tuples(
        _token.map(lambda name: "X-" + name), _value), max_size=8))]
    if draw(st.booleans()):
        lines.append(f"Content-Length:{draw(st.sampled_from(['', ' ', chr(9)]))}{len(body)}")
        wire = body
    else:
        lines.append("transfer-encoding: CHUNKED")
        wire, at = b"", 0
        while at < len(body):
            n = draw(st.integers(1, len(body) - at))
            wire += f"{n:x}{draw(st.sampled_from(['', ';x', ' ; y=1']))}\r\n".encode()
            wire += body[at:at + n] + b"\r\n"
            at += n
        wire += b"0\r\n" + draw(st.sampled_from([b"", b"A: b\r\n"])) + b"\r\n"
    lines = draw(st.permutations(lines))
    head = f"HTTP/1.1 {status} {draw(_value)}\r\n" + "".join(line + "\r\n" for line in lines)
    return head.encode() + b"\r\n" + wire, status, body


_cuts = st.lists(st.integers(1, 900), max_size=12)


@settings(max_examples=300, deadline=None)
@given(responses(), _cuts, st.integers(0, 50))
def test_a_valid_response_comes_out_as_it_was_made(made, cuts, past):
    data, status, body = made
    head, got, end, keep = play(data, cuts, past)
    assert (head[0], got, end, keep) == (status, body, "end", True)


@settings(max_examples=300, deadline=None)
@given(responses(), _cuts, st.data())
def test_broken_responses_end_alike_however_they_are_cut(made, cuts, data):
    wire = bytearray(made[0])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(wire) - 1))
        kind = data.draw(st.sampled_from(["change", "drop", "cut", "insert"]))
        byte = data.draw(st.one_of(st.sampled_from(b"\r\n\0 :;,09afx"), st.integers(0, 255)))
        if kind == "change":
            wire[at] = byte
        elif kind == "insert":
            wire.insert(at, byte)
        elif len(wire) > 1:
            del wire[at:at + 1 if kind == "drop" else len(wire)]
        if not wire:
            return
    whole = play(bytes(wire), [])
    assert play(bytes(wire), cuts) == whole
    assert play(bytes(wire), range(len(wire))) == whole
    assert play(bytes(wire), cuts, 9) == whole


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), _cuts)
def test_noise_is_an_error(noise, cuts):
    head, body, end, _keep = play(noise, cuts)
    assert (head, body) == (None, b"") and end not in {"end", "dead"}


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20),
       st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=3),
       st.integers(-1, 1 << 30))
def test_a_head_that_is_written_holds_what_was_given_and_no_more(
        method, target, host, headers, length):
    buf = bytearray(400)
    try:
        n = write_head(buf, method, target, host, headers, length)
    except ValueError:
        return
    lines = bytes(buf[:n]).decode("ascii").split("\r\n")
    assert lines[0].split(" ") == [method, target, "HTTP/1.1"]
    assert lines[1] == "Host: " + host
    assert lines[2:2 + len(headers)] == [k + ": " + v for k, v in headers.items()]
    rest = ([f"Content-Length: {length}"] if length >= 0 else []) + ["Connection: keep-alive"]
    assert lines[2 + len(headers):] == [*rest, "", ""]
