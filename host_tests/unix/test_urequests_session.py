# heap: 320k
"""Exchanges over an in-memory line: what goes out, what comes back, when the line is kept."""

import check
from http1 import HTTPError
from urequests import DRAIN_MAX, Session

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello"
_CHUNKED = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nhel\r\n2;x\r\nlo\r\n0\r\nA: b\r\n\r\n")
_NONE = b"HTTP/1.1 204 No Content\r\nLocation: /mup/1\r\n\r\n"
_TIMEOUT = 110
_URL = "https://h/dcap"


class Pause:
    """Gives way to the driver once, as a line without bytes does."""

    def __init__(self):
        self.turns = 1

    def __iter__(self):
        return self

    def __next__(self):
        if not self.turns:
            raise StopIteration
        self.turns -= 1


class Line:
    """A stream: answers each request with the next script entry, in pieces of `step` bytes.

    An entry is bytes; None is a line that breaks when it is written to, b"" one that the peer
    closes, a tuple of bytes one that stays open without sending another byte.
    """

    def __init__(self, script, step):
        self.script = script
        self.step = step
        self.sent = []
        self.deadlines = []
        self.coming = b""
        self.slow = False
        self.closed = False
        self.gone = False
        self.reads = 0

    async def write(self, buf, start, end, deadline):
        assert not self.closed
        self.deadlines.append(deadline)
        await Pause()
        self.sent.append(bytes(buf[start:end]))
        if self.coming or self.sent[-1][:1] not in b"GHPD":
            return  # the rest of a body
        entry = self.script.pop(0)
        if entry is None:
            raise OSError(104)
        if isinstance(entry, tuple):
            entry, self.slow = entry[0], True
        self.coming = entry

    async def readinto(self, buf, start, end, deadline):
        assert not self.closed and 0 <= start < end <= len(buf)
        self.deadlines.append(deadline)
        self.reads += 1
        await Pause()
        n = min(self.step, end - start, len(self.coming))
        if not n and self.slow:
            raise OSError(_TIMEOUT)
        buf[start:start + n] = self.coming[:n]
        self.coming = self.coming[n:]
        return n

    def stale(self):
        return self.gone or bool(self.coming)

    def close(self):
        self.closed = True


class Transport:
    """Hands out one Line after the other; `scripts` has one list of answers for each."""

    def __init__(self, *scripts, step=7):
        self.scripts = list(scripts)
        self.step = step
        self.lines = []
        self.asked = []

    async def connect(self, host, port, tls, deadline):
        await Pause()
        self.asked.append((host, port, tls, deadline))
        if not self.scripts:
            raise OSError(111)
        self.lines.append(Line(self.scripts.pop(0), self.step))
        return self.lines[-1]


def run(coro):
    """Drive a coroutine to its end; returns what it returned."""
    for _ in range(200000):
        try:
            coro.send(None)
        except StopIteration as exc:
            return exc.value
    raise AssertionError("does not end")


def make(*scripts, step=7, rx=128, tx=256, **kw):
    transport = Transport(*scripts, step=step)
    return transport, Session(transport, bytearray(rx), bytearray(tx), **kw)


def fetch(session, method="GET", url=_URL, size=4, **kw):
    """A whole exchange, read in pieces of `size`: status and body."""

    async def whole():
        response = await session.request(method, url, **kw)
        buf, body = bytearray(size + 2), b""
        while True:
            n = await response.readinto(buf, 1, size + 1)
            if not n:
                assert await response.readinto(buf, 0, 1) == 0
                await response.close()
                return response.status_code, body
            body += bytes(buf[1:n + 1])
            assert buf[0] == 0 and buf[size + 1] == 0

    return run(whole())


def fails(cls, session, *args, **kw):
    return check.raises(cls, lambda: fetch(session, *args, **kw))


def test_responses_read_alike_in_any_pieces():
    for data, body in ((_OK, b"hello"), (_CHUNKED, b"hello"), (_NONE, b""),
                       (b"HTTP/1.0 200 OK\r\n\r\nhello", b"hello")):
        for step in (1, 2, 5, 100):
            for size in (1, 3, 50):
                _transport, session = make([data], step=step)
                assert fetch(session, size=size)[1] == body, (step, size)


def test_a_response_cut_short_at_any_byte_is_an_error():
    for data in (_OK, _CHUNKED, _NONE):
        for stop in range(len(data)):
            transport, session = make([data[:stop]])
            said = fails(HTTPError, session).args[0]
            assert said == ("truncated" if stop else "no response"), stop
            assert transport.lines[0].closed


def test_a_response_tells_status_and_wanted_headers():
    transport, session = make([_OK, _NONE], wanted=("content-type", "date"))
    response = run(session.get(_URL))
    assert response.status_code == 200 and response.reason == ""
    assert response.headers == {"content-type": "a/b"}
    assert run(response.text(5)) == "hello"
    response = run(session.post(_URL, data=b"x"))
    assert (response.status_code, response.headers) == (204, {"location": "/mup/1"})
    assert len(transport.lines) == 1


def test_requests_are_written_with_their_body_in_one_piece_when_it_fits():
    head = (b"POST /mup?x=1 HTTP/1.1\r\nHost: h:8443\r\nUser-Agent: me/1\r\nAccept: a/b\r\n"
            b"Content-Length: 4\r\nConnection: keep-alive\r\n\r\n")
    url = "https://h:8443/mup?x=1#f"
    for tx, sent in ((len(head) + 4, [head + b"body"]), (len(head) + 3, [head + b"bod", b"y"])):
        for data in (b"body", memoryview(bytearray(b"body"))):
            transport, session = make([_NONE], tx=tx, agent="me/1")
            assert fetch(session, "POST", url, data=data, headers={"Accept": "a/b"})[0] == 204
            assert transport.lines[0].sent == sent
            assert transport.asked == [("h", 8443, True, None)]
    transport, session = make([_NONE], tx=len(head) - 1, agent="me/1")
    fails(HTTPError, session, "POST", url, data=b"body", headers={"Accept": "a/b"})
    assert transport.asked == []


def test_each_method_says_its_length():
    for name, length in (("get", None), ("head", None), ("delete", None), ("post", b"0"),
                         ("put", b"0"), ("patch", b"0")):
        transport, session = make([_NONE])
        run(getattr(session, name)(_URL))
        sent = transport.lines[0].sent[0]
        assert sent.startswith(name.upper().encode() + b" /dcap HTTP/1.1\r\nHost: h\r\n")
        assert (b"Content-Length" in sent) == (length is not None), name
    _transport, session = make([_OK[:-5]])
    assert fetch(session, "HEAD") == (200, b"")


def test_the_line_is_kept_over_exchanges_to_one_origin():
    transport, session = make([_OK, _CHUNKED, _NONE, _OK])
    for method, body in (("GET", b"hello"), ("GET", b"hello"), ("POST", b""), ("GET", b"hello")):
        assert fetch(session, method)[1] == body
    assert len(transport.lines) == 1 and not transport.lines[0].closed
    transport, session = make([_NONE, _OK])
    run(session.put(_URL, data=b"x"))  # nothing to read, so nothing to close
    assert fetch(session) == (200, b"hello") and len(transport.lines) == 1


def test_another_origin_gets_another_line():
    urls = ("https://h/a", "https://h:444/a", "https://g:444/a", "https://g/a", "http://g:443/a", "https://G/b")
    transport, session = make(*[[_OK, _OK] for _ in urls])
    for url in urls:
        fetch(session, url=url)
        fetch(session, url=url)
    assert [a[:3] for a in transport.asked] == [
        ("h", 443, True), ("h", 444, True), ("g", 444, True), ("g", 443, True), ("g", 443, False),
        ("g", 443, True)]
    assert [line.closed for line in transport.lines] == [True] * 5 + [False]


def test_the_line_is_dropped_when_the_server_or_the_framing_says_so():
    for data in (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
                 b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                 b"HTTP/1.1 204 No\r\nConnection: close\r\n\r\n", _OK + b"HTTP", _NONE + b"x"):
        transport, session = make([data], [_OK], step=500)
        fetch(session)
        assert transport.lines[0].closed, data
        assert fetch(session) == (200, b"hello")


def test_a_line_that_went_stale_while_idle_is_not_used_again():
    transport, session = make([_OK, _OK], [_OK])
    fetch(session)
    transport.lines[0].gone = True
    assert fetch(session, "POST", data=b"x") == (200, b"hello")
    assert transport.lines[0].closed and len(transport.lines[0].sent) == 1


def test_a_kept_line_that_proves_dead_is_replaced_once():
    for method in ("GET", "HEAD", "PUT"):
        for end in (b"", None):
            transport, session = make([_OK, end], [_NONE])
            fetch(session)
            assert fetch(session, method, data=b"x")[0] == 204
            assert transport.lines[0].closed and len(transport.lines) == 2
            assert transport.lines[1].sent == transport.lines[0].sent[1:]
    transport, session = make([_OK, b""], [b""], [_OK])
    fetch(session)
    assert fails(HTTPError, session).args[0] == "no response"
    assert len(transport.lines) == 2  # once, not again
    transport, session = make([_OK, b""])
    fetch(session)
    fails(OSError, session)  # the second line is refused


def test_a_post_is_repeated_only_when_it_was_not_written():
    for method in ("POST", "PATCH", "DELETE"):
        transport, session = make([_OK, None], [_NONE])
        fetch(session)
        assert fetch(session, method, data=b"x")[0] == 204
        transport, session = make([_OK, b""], [_NONE])
        fetch(session)
        assert fails(HTTPError, session, method, data=b"x").args[0] == "no response"
        assert len(transport.lines) == 1


def test_a_request_is_not_repeated_on_a_fresh_line_or_after_a_byte():
    for end in (b"", None):
        transport, session = make([end], [_OK])
        fails(OSError if end is None else HTTPError, session)
        assert len(transport.lines) == 1
    transport, session = make([_OK, _OK[:1]], [_OK])
    fetch(session)
    assert fails(HTTPError, session).args[0] == "truncated"
    assert len(transport.lines) == 1


def test_slow_bytes_end_with_the_streams_deadline_error():
    for stop in range(len(_OK)):
        transport, session = make([(_OK[:stop],)])
        assert fails(OSError, session, deadline=77).args[0] == _TIMEOUT
        assert transport.lines[0].closed


def test_the_deadline_goes_with_every_call_of_its_exchange():
    transport, session = make([_OK, _CHUNKED], step=3)
    fetch(session, deadline=1000)
    assert transport.asked[0][3] == 1000
    line = transport.lines[0]
    assert len(line.deadlines) > 10 and set(line.deadlines) == {1000}
    del line.deadlines[:]
    fetch(session, deadline=2000)
    assert set(line.deadlines) == {2000}


def moved(status, where):
    return (b"HTTP/1.1 " + status + b" Moved\r\nLocation: " + where + b"\r\n"
            b"Content-Length: 4\r\n\r\nmove")


def test_a_redirect_on_the_host_is_followed_once_with_method_and_body():
    for status in (b"301", b"302", b"307", b"308"):
        transport, session = make([moved(status, b"/new?x=1"), _NONE])
        assert fetch(session, "POST", data=b"body")[0] == 204
        first, second = transport.lines[0].sent
        assert second == first.replace(b"/dcap", b"/new?x=1")
    transport, session = make([moved(b"307", b"a"), moved(b"307", b"b")])
    assert fetch(session) == (307, b"move")
    transport, session = make([moved(b"301", b"https://H:8443/x")], [_OK])
    assert fetch(session) == (200, b"hello")
    assert transport.asked[1][:3] == ("h", 8443, True)


def test_other_redirects_are_given_as_they_are():
    for status, where in ((b"303", b"/x"), (b"300", b"/x"), (b"301", b"https://g/x"),
                          (b"301", b"http://h/x"), (b"301", b"ftp://h/x"), (b"301", b"//h:0/x"),
                          (b"301", b"https://u@h/x"), (b"200", b"/x")):
        transport, session = make([moved(status, where)])
        assert fetch(session) == (int(status), b"move"), where
    transport, session = make([b"HTTP/1.1 302 F\r\nContent-Length: 0\r\n\r\n"])
    assert fetch(session) == (302, b"")


def test_a_body_is_never_read_beyond_its_limit():
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"8\r\n01234567\r\n" * 500
    for data in (endless, b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 4000,
                 b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" + b"x" * 4000):
        transport, session = make([data], step=32)
        assert fails(HTTPError, session, limit=100).args[0] == "body too long"
        line = transport.lines[0]
        assert line.closed and len(line.coming) > 3500 - 2 * 128
        transport, session = make([data], step=32)
        response = run(session.get(_URL))
        exc = check.raises(HTTPError, lambda: run(response.read(100)))
        assert exc.args[0] == "body too long" and transport.lines[0].closed
    _transport, session = make([_CHUNKED, _CHUNKED])
    assert fetch(session, limit=5) == (200, b"hello")
    fails(HTTPError, session, limit=4)


def test_read_gives_at_most_its_limit():
    for data in (_OK, _CHUNKED, b"HTTP/1.0 200 OK\r\n\r\nhello"):
        for limit in (5, 6, 1000):
            _transport, session = make([data])
            assert run(run(session.get(_URL)).read(limit)) == b"hello"
        for limit in (0, 4):
            transport, session = make([data])
            response = run(session.get(_URL))
            check.raises(HTTPError, lambda: run(response.read(limit)))
            assert transport.lines[0].closed
    _transport, session = make([_NONE])
    assert run(run(session.get(_URL)).read(0)) == b""
    _transport, session = make([_OK.replace(b"hello", b"h\xfflo!")])
    response = run(session.get(_URL))
    check.raises(ValueError, lambda: run(response.text(5)))


def test_a_body_with_a_content_coding_is_refused_but_its_status_is_not():
    for coding, fine in ((b"gzip", False), (b"identity", True), (b"Identity", True), (b"", False)):
        data = _OK.replace(b"Content-Type: a/b", b"Content-Encoding: " + coding)
        transport, session = make([data, _OK])
        response = run(session.get(_URL))
        assert response.status_code == 200
        if fine:
            assert run(response.read(5)) == b"hello"
        else:
            exc = check.raises(HTTPError, lambda: run(response.read(5)))
            assert exc.args[0] == "content-encoding" and transport.lines[0].closed


def test_closing_drains_a_small_rest_and_keeps_the_line():
    for size in (1, 500, DRAIN_MAX):
        body = b"x" * size
        for data in (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + body,
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % size + body
                     + b"\r\n0\r\n\r\n"):
            transport, session = make([data, _OK], step=50)
            response = run(session.get(_URL))
            run(response.close())
            run(response.close())
            check.raises(HTTPError, lambda: run(response.read(5)))
            assert not transport.lines[0].closed, size
            assert fetch(session) == (200, b"hello")
            assert len(transport.lines) == 1


def test_closing_drops_the_line_when_the_rest_is_long_or_does_not_come():
    size = DRAIN_MAX + 400
    for data in (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size,
                 b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 + b"10\r\n0123456789abcdef\r\n" * 90 + b"0\r\n\r\n",
                 b"HTTP/1.0 200 OK\r\n\r\nhello", _OK[:-1], _CHUNKED[:-1], (_OK[:-1],), _OK + b"H",
                 _OK.replace(b"5", b"5\r\nConnection: close")):
        transport, session = make([data], [_OK], step=50)
        response = run(session.get(_URL))
        reads = transport.lines[0].reads
        run(response.close())
        assert transport.lines[0].closed
        assert transport.lines[0].reads - reads <= (DRAIN_MAX + 600) // 50
        assert fetch(session) == (200, b"hello")


def test_the_next_request_ends_a_response_that_was_left_open():
    transport, session = make([_OK, _OK], [_CHUNKED])
    first = run(session.get(_URL))
    assert fetch(session) == (200, b"hello")
    assert transport.lines[0].closed and len(transport.lines) == 2
    check.raises(HTTPError, lambda: run(first.read(5)))
    run(first.close())
    assert not transport.lines[1].closed


def test_a_second_request_while_one_is_under_way_is_a_runtime_error():
    transport, session = make([_OK, _OK])
    first = session.get(_URL)
    first.send(None)
    check.raises(RuntimeError, lambda: run(session.get(_URL)))
    assert run(run(first).read(5)) == b"hello"
    first = session.get(_URL)
    first.send(None)
    first.close()  # a task that was cancelled
    assert transport.lines[0].closed
    transport.scripts.append([_OK])
    assert fetch(session) == (200, b"hello")


def test_a_line_that_will_not_be_kept_is_not_drained():
    transport, session = make([_OK.replace(b"5", b"5\r\nConnection: close")], step=1)
    response = run(session.get(_URL))
    reads = transport.lines[0].reads
    run(response.close())
    assert transport.lines[0].closed and transport.lines[0].reads == reads


def test_bytes_of_an_abandoned_body_never_reach_the_next_one():
    for abandon in (lambda session: session.close(), lambda session: None):
        _transport, session = make([_OK], [_CHUNKED], step=500)
        first = run(session.get(_URL))
        assert run(first.readinto(bytearray(2))) == 2  # three more are held
        abandon(session)
        assert fetch(session) == (200, b"hello")


def test_closing_the_session_drops_line_and_response():
    transport, session = make([_OK], [_OK])
    session.close()
    response = run(session.get(_URL))
    session.close()
    session.close()
    assert transport.lines[0].closed
    check.raises(HTTPError, lambda: run(response.read(5)))
    assert fetch(session) == (200, b"hello")


def test_what_the_caller_does_wrong_leaves_the_line_alone():
    transport, session = make([_OK, _OK])
    fetch(session)
    fails(ValueError, session, url="ftp://h/")
    fails(ValueError, session, url="https://h/a b")
    fails(ValueError, session, headers={"Accept": "a\r\nX: y"})
    fails(ValueError, session, headers={"Host": "g"})
    fails(ValueError, session, "POST", data="text")
    response = run(session.get(_URL))
    for start, end in ((0, 0), (3, 3), (-1, 2), (0, 9), (5, 2)):
        check.raises(ValueError, lambda: run(response.readinto(bytearray(8), start, end)))
    assert run(response.read(5)) == b"hello" and len(transport.lines) == 1


def test_errors_of_the_transport_pass_through():
    _transport, session = make()
    assert fails(OSError, session).args[0] == 111
    assert fails(OSError, session).args[0] == 111


def test_a_long_body_goes_straight_into_the_callers_buffer():
    body = bytes(range(256)) * 8
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 2048\r\n\r\n" + body
    transport, session = make([data], step=5000)
    assert fetch(session, size=1024) == (200, body)
    # 128 bytes by way of rx with the head, then a read for each kilobyte.
    assert transport.lines[0].reads == 3


def test_the_example_of_the_readme_runs():
    with open(__file__.rsplit("/", 3)[0] + "/lib/urequests/README.md") as f:
        example = f.read().split("```python\n")[1].split("```")[0]
    names = {}
    exec(example, names)
    assert names["got"] == ["hello"]


class Pieces:
    """A body that is made piece by piece in one buffer, `n` in all by its own word."""

    def __init__(self, sizes, n=None):
        self.sizes = sizes
        self.n = sum(sizes) if n is None else n
        self.buf = bytearray(max(sizes))

    def __len__(self):
        return self.n

    def __iter__(self):
        for i, size in enumerate(self.sizes):
            for at in range(size):
                self.buf[at] = 97 + i
            yield memoryview(self.buf)[:size]


def test_a_body_in_pieces_goes_out_whole_and_in_few_writes():
    for tx in (200, 300, 4096):
        for sizes in ((5,), (100, 100, 100), (150, 250, 3, 3), (1, 1, 1)):
            transport, session = make([_NONE, _NONE], tx=tx)
            assert fetch(session, "POST", data=Pieces(sizes))[0] == 204
            line = transport.lines[0]
            sent = b"".join(line.sent)
            assert sent.find(b"Content-Length: %d\r\n" % sum(sizes)) > 0, (tx, sent)
            body = sent[sent.find(b"\r\n\r\n") + 4:]
            assert body == b"".join([bytes([97 + i]) * n for i, n in enumerate(sizes)]), (tx, body)
            assert len(line.sent) <= 1 + len(sent) // tx, (tx, sizes, len(line.sent))


def test_pieces_that_are_not_what_was_said_end_the_connection():
    for n in (9, 11):
        transport, session = make([_NONE], tx=4096)
        fails(ValueError, session, "POST", data=Pieces((5, 5), n))
        assert transport.lines[0].closed


check.run(globals())
