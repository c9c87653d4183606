"""URLs as servers really send them: taken apart, and resolved against where they stood.

Enters: str.  Leaves: what a connection and a request line need, or a full URL.

    tls, host, port, target = split("https://server.example:8443/dcap?s=0")
    url = resolve("https://server.example/api/dcap", "/api/edev")

Limit: http and https, ASCII, no user names, at most URL_MAX characters.
"""

from micropython import const

URL_MAX = const(512)

_PORT_HTTP = const(80)
_PORT_HTTPS = const(443)


def split(url):
    """(tls, host, port, target) of an http or https URL; `host` has no brackets.

    The target is path and query, "/" at least; a fragment is left off. ValueError says which part
    is wrong. Allocates the parts.  RFC 3986 3, RFC 9110 4.2.
    """
    _check(url)
    start = _authority(url)
    end = _find_any(url, "/?#", start)
    tls = start == 8  # len("https://")
    host, port = _host_port(url, start, end)
    if port < 0:
        port = _PORT_HTTPS if tls else _PORT_HTTP
    stop = _find_any(url, "#", end)
    target = url[end:stop]
    if not target.startswith("/"):
        target = "/" + target
    return tls, host, port, target


def host_header(tls, host, port):
    """The Host header of an origin: the port only where it is not the usual one. Allocates."""
    if ":" in host:
        host = "[" + host + "]"
    if port == (_PORT_HTTPS if tls else _PORT_HTTP):
        return host
    return host + ":" + str(port)


def resolve(base, href):
    """The full URL of `href` as found in the document at `base`; fragments are left off.

    ValueError when one of them is unusable or the result longer than URL_MAX. Allocates the
    result, and a second one while dots are taken out of a path.  RFC 3986 5.2.
    """
    href = href[:_find_any(href, "#", 0)]
    keep, slash = (0, "") if _has_scheme(href) else _kept(base, href)
    if keep + len(href) > URL_MAX:
        raise ValueError("url: too long")
    url = base[:keep] + slash + href
    _check(url)
    return _without_dots(url, _find_any(url, "/?", _authority(url)))


def _kept(base, href):
    # RFC 3986 5.2.2: how much of the base stands before the href, and what goes between.
    _check(base)
    start = _authority(base)
    path = _find_any(base, "/?#", start)
    query = _find_any(base, "?#", path)
    if href.startswith("//"):
        return start - 2, ""
    if href.startswith("/"):
        return path, ""
    if href.startswith("?"):
        return query, ""
    if not href:
        return _find_any(base, "#", query), ""
    folder = base.rfind("/", path, query) + 1
    return (folder, "") if folder else (path, "/")


def _check(url):
    if len(url) > URL_MAX:
        raise ValueError("url: too long")
    for c in url.encode():
        if not 32 < c < 127:
            raise ValueError("url: blank or byte beyond ASCII")


def _has_scheme(href):
    # RFC 3986 4.2: a colon before any "/" or "?" ends a scheme.
    end = _find_any(href, ":/?", 0)
    return end < len(href) and href[end] == ":"


def _authority(url):
    # Index of the first character after "http://" or "https://".
    head = url[:8].lower()
    if head == "https://":
        return 8
    if head.startswith("http://"):
        return 7
    raise ValueError("url: scheme")


def _find_any(text, marks, start):
    # Index of the first of the marks, the length of the text when there is none.
    least = len(text)
    for mark in marks:
        at = text.find(mark, start, least)
        if at >= 0:
            least = at
    return least


def _host_port(url, start, end):
    if url.find("@", start, end) >= 0:
        raise ValueError("url: user name")
    if start < end and url[start] == "[":
        close = url.find("]", start, end)
        if close < 0:
            raise ValueError("url: host")
        host, colon = url[start + 1:close], close + 1
        allowed = b"0123456789abcdef:."
    else:
        colon = _find_any(url[:end], ":", start)
        host = url[start:colon]
        allowed = b"0123456789abcdefghijklmnopqrstuvwxyz-._"
    host = host.lower()
    for c in host.encode():
        if c not in allowed:
            raise ValueError("url: host")
    if not host:
        raise ValueError("url: host")
    return host, _port(url, colon, end)


def _port(url, colon, end):
    # -1 when the URL names none.
    if colon == end:
        return -1
    digits = url[colon + 1:end]
    if url[colon] != ":" or not digits.isdigit() or len(digits) > 5:
        raise ValueError("url: port")
    port = int(digits)
    if not 0 < port < 65536:
        raise ValueError("url: port")
    return port


def _without_dots(url, path):
    # RFC 3986 5.2.4 on url[path:], its query left alone. The segments move down in place.
    query = _find_any(url, "?", path)
    if url.find("/.", path, query) < 0:
        return url
    out = bytearray(url.encode())
    n = at = path
    while at < query:
        stop = url.find("/", at + 1, query)
        if stop < 0:
            stop = query
        segment = url[at + 1:stop]
        if segment == "..":
            n = max(path, out.rfind(b"/", path, n))
        if segment not in _DOTS:
            for i in range(at, stop):
                out[n] = out[i]
                n += 1
        elif stop == query:
            out[n] = 47  # "/": a dot at the end names the folder
            n += 1
        at = stop
    return str(bytes(out[:n]), "utf-8") + url[query:]


_DOTS = (".", "..")
