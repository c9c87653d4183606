# heap: 192k
"""Responses read whole, byte by byte, in two parts at every place, and cut short at every byte."""

import check
from http1 import BODY, END, HEAD, NEED_DATA, HTTPError, Reader

_WANTED = ("content-type", "location")

_XML = b"<DeviceCapability xmlns='urn:ieee:std:2030.5:ns'/>\n"

_LENGTH = (
    b"HTTP/1.1 200 OK\r\nDate: Sun, 02 Aug 2026 10:00:00 GMT\r\nserver: uvicorn\r\n"
    b"content-length: 51\r\nContent-Type:  application/sep+xml; csipaus=1.3 \t\r\n\r\n" + _XML
)
_CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: Chunked\r\nLOCATION: /edev/1\r\n\r\n"
    b"5\r\n<Devi\r\n02d ; name=\"a;b\"\r\n" + _XML[5:50] + b"\r\n1;x\r\n\n\r\n"
    b"000\r\nExpires: never\r\nX-Sum: 1\r\n\r\n"
)
_INTERIM = (
    b"HTTP/1.1 100 Continue\r\nLocation: /not/this\r\nConnection: close\r\n\r\n"
    b"HTTP/1.1 103\r\n\r\n" + _LENGTH
)
_NONE = b"HTTP/1.1 204 No Content\r\nlocation: /mup/7\r\n\r\n"
_NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 51\r\n\r\n"
_ZERO = b"HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n"
_TO_CLOSE = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + _XML

_TYPE = {"content-type": "application/sep+xml; csipaus=1.3"}

# Bytes, method, and what must come out: status, headers, length, keep_alive, body.
_CASES = (
    (_LENGTH, "GET", 200, _TYPE, 51, True, _XML),
    (_CHUNKED, "GET", 201, {"location": "/edev/1"}, -1, True, _XML),
    (_INTERIM, "GET", 200, _TYPE, 51, True, _XML),
    (_NONE, "PUT", 204, {"location": "/mup/7"}, 0, True, b""),
    (_NOT_MODIFIED, "GET", 304, {}, 0, True, b""),
    (_ZERO, "GET", 500, {}, 0, True, b""),
    (_LENGTH[:-51], "HEAD", 200, _TYPE, 0, True, b""),
)


def play(data, step, method="GET", size=128, closed=False, fields=64, total=8192):
    """Feed `data` in pieces of `step` bytes (a list: those pieces); returns what came out.

    A list of HEAD's values, the body, and how it ended: "end", "need" or the error's text.
    """
    reader = Reader(bytearray(size), _WANTED, fields, total)
    reader.reset(method)
    head, body, at = None, b"", 0
    cuts = step if isinstance(step, list) else list(range(step, len(data), step)) + [len(data)]
    try:
        while True:
            event = reader.next_event()
            if event == HEAD:
                head = [reader.status, reader.headers, reader.length, reader.keep_alive]
            elif event == BODY:
                assert reader.start < reader.end
                body += bytes(reader.buf[reader.start:reader.end])
            elif event == END:
                return head, body, "end", reader.keep_alive
            elif at == len(data):
                if not closed:
                    return head, body, "need", reader.keep_alive
                reader.close()
            else:
                to = min([c for c in cuts if c > at] + [len(data)])
                start = reader.room()
                n = min(to - at, size - start)
                reader.buf[start:start + n] = data[at:at + n]
                reader.feed(n)
                at += n
    except HTTPError as exc:
        assert check.raises(HTTPError, reader.next_event).args[0] == "dead"
        assert not reader.keep_alive
        return head, body, exc.args[0], False


def test_a_response_reads_alike_whole_and_in_pieces():
    for data, method, status, headers, length, keep, body in _CASES:
        want = ([status, headers, length, keep], body, "end", keep)
        for step in (len(data), 1, 2, 3, 7, 50):
            assert play(data, step, method) == want, (step, play(data, step, method))


def test_a_response_reads_alike_cut_in_two_anywhere():
    for data, method, _status, _headers, _length, _keep, _body in _CASES:
        want = play(data, len(data), method)
        for cut in range(1, len(data)):
            assert play(data, [cut, len(data)], method) == want, cut


def test_a_response_cut_short_is_an_error_and_an_open_one_waits():
    for data, method, _status, _headers, _length, _keep, body in _CASES:
        for stop in range(len(data)):
            got = play(data[:stop], 9, method, closed=True)
            assert got[2] == ("truncated" if stop else "no response"), (stop, got)
            assert body.startswith(got[1])
            assert play(data[:stop], 9, method)[2] == "need"


def test_a_body_without_a_length_ends_with_the_connection():
    head = len(_TO_CLOSE) - len(_XML)
    for stop in range(head, len(_TO_CLOSE) + 1):
        got = play(_TO_CLOSE[:stop], 4, closed=True)
        assert got[0][2:] == [-1, False]
        assert got[1:] == (_TO_CLOSE[head:stop], "end", False), got
    for stop in range(1, head):
        assert play(_TO_CLOSE[:stop], 4, closed=True)[2] == "truncated"


def keeps(version, connection):
    data = b"HTTP/1." + version + b" 200 OK\r\n" + connection + b"Content-Length: 1\r\n\r\nx"
    return play(data, 5)[3]


def test_keep_alive_follows_version_and_connection_header():
    assert keeps(b"1", b"")
    assert keeps(b"1", b"Connection: keep-alive\r\n")
    assert keeps(b"1", b"Connection: upgrade\r\nConnection:\r\n")
    assert keeps(b"1", b"Connection: closed, not-close\r\n")
    assert not keeps(b"1", b"connection: Close\r\n")
    assert not keeps(b"1", b"Connection: x ,\t close , y\r\n")
    assert not keeps(b"1", b"Connection: x\r\nConnection: close\r\n")
    assert not keeps(b"1", b"Connection: close\r\nConnection: keep-alive\r\n")
    assert not keeps(b"1", b"Connection: keep-alive, close\r\n")
    assert not keeps(b"0", b"")
    assert keeps(b"0", b"Connection: Keep-Alive\r\n")
    assert not keeps(b"0", b"Connection: keep-alive, close\r\n")


def test_bytes_beyond_the_end_cost_the_connection_but_not_the_response():
    for data, method, _status, _headers, _length, _keep, body in _CASES:
        got = play(data + b"H", len(data) + 1, method, size=512)
        assert got[1:] == (body, "end", False), got
    reader = Reader(bytearray(128))
    reader.buf[:38] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[:38]
    reader.feed(38)
    assert reader.next_event() == HEAD and reader.keep_alive
    reader.feed(1)  # the next byte comes later
    assert reader.next_event() == END and not reader.keep_alive
    assert reader.room() == 0


def test_the_peer_closing_after_the_end_leaves_nothing_to_keep():
    reader = Reader(bytearray(128))
    reader.buf[:38] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[:38]
    reader.feed(38)
    assert reader.next_event() == HEAD and reader.next_event() == END
    reader.close()
    assert reader.next_event() == END and not reader.keep_alive


def test_one_reader_serves_response_after_response():
    reader = Reader(bytearray(512), _WANTED)
    for data, method, status, headers, _length, _keep, body in _CASES * 2:
        reader.reset(method)
        assert reader.next_event() == NEED_DATA
        start = reader.room()
        reader.buf[start:start + len(data)] = data
        reader.feed(len(data))
        assert reader.next_event() == HEAD
        assert (reader.status, reader.headers) == (status, headers)
        got = b""
        while reader.next_event() == BODY:
            got += bytes(reader.buf[reader.start:reader.end])
        assert got == body and reader.keep_alive


def refused(field, status=b"HTTP/1.1 200 OK", body=b"", size=128):
    data = status + b"\r\n" + field + b"\r\n" + body
    whole = play(data, len(data), size=size, closed=True)
    assert play(data, 1, size=size, closed=True) == whole
    return whole[2]


def test_status_lines_that_are_none_are_refused():
    for line in (b"HTTP/1.2 200 OK", b"HTTP/2 200 OK", b"http/1.1 200 OK", b"HTTP/1.1200 OK ",
                 b"ICY 200 OK 12345", b"HTTP/1.1\t200 OK", b" HTTP/1.1 200 OK", b"HTTP/1.1 20",
                 b"", b"HTTP/1.x 200 OK", b"HTTP/0.9 200 OK", b"HTTP/1.10 200 OK"):
        assert refused(b"", line) == "version", line
    for line in (b"HTTP/1.1  200 OK", b"HTTP/1.1 2x0 OK", b"HTTP/1.1 099 OK", b"HTTP/1.1 600 OK",
                 b"HTTP/1.1 -20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 20  OK",
                 b"HTTP/1.1 101 Switching"):
        assert refused(b"", line) == "status", line
    assert refused(b"Content-Length: 0\r\n", b"HTTP/1.1 200") == "end"
    assert refused(b"Content-Length: 0\r\n", b"HTTP/1.1 599 r\xe9ason: \x01") == "end"


def test_a_head_that_is_not_strictly_http_is_refused():
    for field in (b"A: b\rc\r\n", b"A: b\n", b"\n", b"A: b\r\r\n", b"A: \0\r\n", b"\rA: b\r\n"):
        assert refused(field) == "line end", field
    for field in (b" A: b\r\n", b"\tb\r\n", b"A: b\r\n folded\r\n", b"A : b\r\n", b"Ab\r\n",
                  b": b\r\n", b"A b: c\r\n", b"A(: b\r\n", b"\xc3\xa4: b\r\n", b"A\x7f: b\r\n"):
        assert refused(field) == "field", field
    for field in (b"Location: /\xc3\xa4\r\n", b"Location: /\x1b[0m\r\n", b"Location: \x7f\r\n"):
        assert refused(field) == "header value", field
    assert refused(b"Location: /a\r\nLocation: /b\r\n") == "repeated header"
    assert refused(b"Location: /a\r\nLocation: /a\r\nX: \xff\x01\r\n") == "end"


def test_lengths_that_are_none_or_contradict_are_refused():
    for value in (b"-1", b"+1", b"", b"1 2", b"0x10", b"1,1", b"1, 2", b"1.0", b"1073741824",
                  b"9999999999999999999999"):
        assert refused(b"Content-Length: " + value + b"\r\n") == "content-length", value
    assert refused(b"Content-Length: 1\r\ncontent-length: 2\r\n") == "content-length"
    same = b"Content-Length: 2\r\nContent-Length: 02\r\n"
    assert refused(same, body=b"ab") == "end"
    assert refused(b"Content-Length: 1073741819\r\n") == "truncated"


def test_transfer_encodings_other_than_chunked_alone_are_refused():
    for field in (b"Transfer-Encoding: gzip\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
                  b"Transfer-Encoding: chunked, chunked\r\n", b"Transfer-Encoding:\r\n",
                  b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding: identity\r\n",
                  b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                  b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                  b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"):
        assert refused(field, body=b"0\r\n\r\n") == "transfer-encoding", field
    chunked = b"Transfer-Encoding: chunked\r\n"
    assert refused(chunked, b"HTTP/1.0 200 OK", b"0\r\n\r\n") == "transfer-encoding"
    assert refused(chunked, body=b"0\r\n\r\n") == "end"


def test_chunks_that_are_none_are_refused():
    field = b"Transfer-Encoding: chunked\r\n"
    for size in (b"", b"g", b"-1", b" 1", b"0x1", b"1 1", b"1:", b"40000000", b"123456789abc"):
        assert refused(field, body=size + b"\r\na\r\n0\r\n\r\n") == "chunk size", size
    assert refused(field, body=b"1\r\nab\r\n0\r\n\r\n") == "chunk end"
    assert refused(field, body=b"1\r\na\n\r0\r\n\r\n") == "chunk end"
    assert refused(field, body=b"1\na\r\n0\r\n\r\n") == "line end"
    assert refused(field, body=b"1;\rx\r\na\r\n0\r\n\r\n") == "line end"
    assert refused(field, body=b"0\r\nnofield\r\n\r\n") == "field"
    assert refused(field, body=b"3fffffff\r\nabc") == "truncated"


def test_lines_are_limited_by_the_buffer_and_chunk_lines_by_themselves():
    name = b"X: "
    assert refused(name + b"a" * 59 + b"\r\n\r\n", size=64) == "end"
    assert refused(name + b"a" * 60 + b"\r\n\r\n", size=64) == "line too long"
    assert refused(name + b"a" * 999, size=64) == "line too long"
    field = b"Transfer-Encoding: chunked\r\n"
    assert refused(field, body=b"1;" + b"x" * 124 + b"\r\na\r\n0\r\n\r\n", size=512) == "end"
    assert refused(field, body=b"1;" + b"x" * 125 + b"\r\na\r\n0", size=512) == "line too long"
    assert refused(field, body=b"1;" + b"x" * 999, size=512) == "line too long"


def test_the_head_is_limited_in_lines_and_bytes_with_trailers_and_interim_answers():
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n1\r\nx\r\n0\r\n"
    assert play(start + b"C: d\r\n\r\n", 3, fields=3)[2] == "end"
    assert play(start + b"C: d\r\nE: f\r\n\r\n", 3, fields=3)[2] == "too many fields"
    lines = 17 + 28 + 6 + 2 + 6 + 2
    assert play(start + b"C: d\r\n\r\n", 3, total=lines)[2] == "end"
    assert play(start + b"C: d\r\n\r\n", 3, total=lines - 1)[2] == "head too long"
    assert play(b"HTTP/1.1 100 Go\r\n\r\n" * 500, 64)[2] == "head too long"
    many = b"1\r\nx\r\n" * 3000  # sizes belong to the body, not to the head
    assert play(start[:-3] + many[:6000] + b"0\r\n\r\n", 128, size=512, total=80)[2] == "end"


def test_a_body_may_be_read_past_the_reader():
    reader = Reader(bytearray(64))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab"
    assert reader.body_left() == 0
    reader.buf[:len(head)] = head
    reader.feed(len(head))
    assert reader.body_left() == 0 and reader.next_event() == HEAD
    assert reader.body_left() == 0  # two of them are still held in the buffer
    assert reader.next_event() == BODY and reader.end - reader.start == 2
    assert reader.body_left() == 8
    reader.took(5)
    assert reader.body_left() == 3 and reader.next_event() == NEED_DATA
    for n in (4, 0, -1):
        check.raises(ValueError, reader.took, n)
    reader.took(3)
    assert reader.body_left() == 0 and reader.next_event() == END and reader.keep_alive


def test_chunks_may_be_read_past_the_reader():
    reader = Reader(bytearray(128))

    def put(data):
        start = reader.room()
        reader.buf[start:start + len(data)] = data
        reader.feed(len(data))

    put(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n")
    assert reader.next_event() == HEAD and reader.body_left() == 0
    assert reader.next_event() == NEED_DATA and reader.body_left() == 5
    reader.took(5)
    assert reader.body_left() == 0 and reader.next_event() == NEED_DATA
    put(b"\r\n0\r\n\r\n")
    assert reader.next_event() == END and reader.keep_alive


def test_a_body_until_close_may_be_read_past_the_reader():
    reader = Reader(bytearray(64))
    reader.buf[:19] = b"HTTP/1.1 200 OK\r\n\r\n"
    reader.feed(19)
    assert reader.next_event() == HEAD and not reader.keep_alive
    reader.took(100000)
    assert reader.body_left() == (1 << 30) - 1
    reader.close()
    assert reader.body_left() == 0 and reader.next_event() == END


def test_bodies_are_read_without_allocating():
    reader = Reader(bytearray(128), _WANTED)
    buf = reader.buf
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"a;x=y\r\n0123456789\r\n" * 40 + b"0\r\nA: b\r\n\r\n"

    def read():
        at = total = 0
        while True:
            event = reader.next_event()
            if event == BODY:
                total += reader.end - reader.start
            elif event == END:
                return total
            else:
                at = pour(at)

    def pour(at):
        start = reader.room()
        n = min(37, len(body) - at, len(buf) - start)
        for i in range(n):
            buf[start + i] = body[at + i]
        reader.feed(n)
        return at + n

    buf[:len(head)] = head
    reader.feed(len(head))
    assert reader.next_event() == HEAD
    assert check.locked(read) == 400


def test_waiting_inside_the_head_does_not_allocate():
    reader = Reader(bytearray(512), _WANTED)
    head = _LENGTH[:-52]
    buf = reader.buf

    def read():
        for i in range(n):
            buf[reader.room()] = head[i]
            reader.feed(1)
            assert reader.next_event() == NEED_DATA

    n = head.find(b"Content-Type")  # a wanted header is what costs
    check.locked(read)


def test_what_the_caller_does_wrong_is_a_value_error():
    check.raises(ValueError, Reader, bytearray(63))
    reader = Reader(bytearray(64))
    for n in (0, -1, 65):
        check.raises(ValueError, reader.feed, n)
    reader.feed(60)
    check.raises(ValueError, reader.feed, 5)


def test_the_example_of_the_readme_runs():
    with open(__file__.rsplit("/", 3)[0] + "/lib/http1/README.md") as f:
        example = f.read().split("```python\n")[1].split("```")[0]
    names = {}
    exec(example, names)
    assert bytes(names["body"]) == b"hello"


check.run(globals())
