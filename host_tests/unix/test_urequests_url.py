# heap: 160k
"""URLs taken apart, and hrefs resolved as RFC 3986 has it."""

import check
from urequests import URL_MAX, resolve, split

# RFC 3986 5.4, without those that end in a fragment; base http://a/b/c/d;p?q
_EXAMPLES = (
    ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"),
    ("/g", "http://a/g"), ("//g", "http://g"), ("?y", "http://a/b/c/d;p?y"),
    ("g?y", "http://a/b/c/g?y"), (";x", "http://a/b/c/;x"), ("g;x", "http://a/b/c/g;x"),
    ("g;x?y", "http://a/b/c/g;x?y"), ("", "http://a/b/c/d;p?q"), (".", "http://a/b/c/"),
    ("./", "http://a/b/c/"), ("..", "http://a/b/"), ("../", "http://a/b/"),
    ("../g", "http://a/b/g"), ("../..", "http://a/"), ("../../", "http://a/"),
    ("../../g", "http://a/g"), ("../../../g", "http://a/g"), ("../../../../g", "http://a/g"),
    ("/./g", "http://a/g"), ("/../g", "http://a/g"), ("g.", "http://a/b/c/g."),
    (".g", "http://a/b/c/.g"), ("g..", "http://a/b/c/g.."), ("..g", "http://a/b/c/..g"),
    ("./../g", "http://a/b/g"), ("./g/.", "http://a/b/c/g/"), ("g/./h", "http://a/b/c/g/h"),
    ("g/../h", "http://a/b/c/h"), ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
    ("g;x=1/../y", "http://a/b/c/y"), ("g?y/./x", "http://a/b/c/g?y/./x"),
    ("g?y/../x", "http://a/b/c/g?y/../x"),
)


def test_the_examples_of_rfc_3986_resolve():
    for href, want in _EXAMPLES:
        assert resolve("http://a/b/c/d;p?q", href) == want, (href, want)


def test_fragments_are_left_off():
    assert resolve("http://a/b?q#f", "#s") == "http://a/b?q"
    assert resolve("http://a/b?q#f/g", "") == "http://a/b?q"
    assert resolve("http://a/b#f/g", "c#s/t") == "http://a/c"
    assert resolve("http://a#f", "?y#s") == "http://a?y"


def test_hrefs_of_real_servers_resolve():
    base = "https://sep2.example:8443/api/v2/dcap?s=0"
    for href, want in (
        ("/api/v2/edev/1", "https://sep2.example:8443/api/v2/edev/1"),
        ("edev", "https://sep2.example:8443/api/v2/edev"),
        ("?s=16&l=16", "https://sep2.example:8443/api/v2/dcap?s=16&l=16"),
        ("/tm?at=/../x:y", "https://sep2.example:8443/tm?at=/../x:y"),
        ("HTTPS://other.example/a/./b", "HTTPS://other.example/a/b"),
        ("//other.example/x", "https://other.example/x"),
        ("a//b/../c", "https://sep2.example:8443/api/v2/a//c"),
    ):
        assert resolve(base, href) == want, href
    assert resolve("http://h", "x") == "http://h/x"
    assert resolve("http://h?q=/a/b", "x") == "http://h/x"


def test_other_schemes_and_blanks_do_not_resolve():
    for href in ("ftp://a/b", "javascript:x", "mailto:a@b", "a:b", "/a b", "/a\nb", "/\xe4", "/\0",
                 "https:/a"):
        check.raises(ValueError, resolve, "https://h/", href)
    for base in ("", "h/x", "/x", "http:/x", "ftp://h/"):
        check.raises(ValueError, resolve, base, "/x")


def test_a_long_url_is_refused():
    base = "https://h/a/b"
    fits = "x" * (URL_MAX - len("https://h/a/"))
    assert resolve(base, fits) == "https://h/a/" + fits
    check.raises(ValueError, resolve, base, fits + "y")
    check.raises(ValueError, resolve, base, "/x" * 5000)
    check.raises(ValueError, resolve, base, "https://h/" + "x" * URL_MAX)
    check.raises(ValueError, resolve, "https://h/" + "x" * URL_MAX, "y")
    assert len(split("https://h/" + "x" * (URL_MAX - 10))[3]) == URL_MAX - 9
    check.raises(ValueError, split, "https://h/" + "x" * (URL_MAX - 9))


def test_urls_are_taken_apart():
    for url, want in (
        ("http://h", (False, "h", 80, "/")),
        ("https://h/", (True, "h", 443, "/")),
        ("HTTPS://Sep2-Test.Example:8443/api/dcap?s=0&l=1#f",
         (True, "sep2-test.example", 8443, "/api/dcap?s=0&l=1")),
        ("http://h?x=1/2", (False, "h", 80, "/?x=1/2")),
        ("http://h#x", (False, "h", 80, "/")),
        ("https://[fe80::1]:1/x", (True, "fe80::1", 1, "/x")),
        ("https://[::FFFF:10.0.0.1]", (True, "::ffff:10.0.0.1", 443, "/")),
        ("https://10.0.0.1:65535/x:y@z", (True, "10.0.0.1", 65535, "/x:y@z")),
    ):
        assert split(url) == want, (url, split(url))


def test_urls_that_are_unusable_say_which_part():
    for url, part in (
        ("", "scheme"), ("h/x", "scheme"), ("ftp://h", "scheme"), ("http:h", "scheme"),
        ("https//h", "scheme"), ("https://", "host"), ("https:///x", "host"),
        ("https://:443/", "host"), ("https://a\\b/", "host"), ("https://a%41/", "host"),
        ("https://[::1/", "host"), ("https://[]/", "host"), ("https://[fe80::1%25eth0]/", "host"),
        ("https://::1/", "host"), ("https://u@h/", "user name"), ("https://u:p@h/", "user name"),
        ("https://h:/", "port"), ("https://h:0/", "port"), ("https://h:65536/", "port"),
        ("https://h:-1/", "port"), ("https://h:8x/", "port"), ("https://h:000443/", "port"),
        ("https://[::1]x/", "port"), ("https://h:1:2/", "port"),
        ("https://h/a b", "blank"), ("https://h/a\r\nX: y", "blank"), ("https://h\0/", "blank"),
        ("https://h/\xfc", "blank"), ("https://\u212a/", "blank"),
    ):
        said = check.raises(ValueError, split, url).args[0]
        assert said.startswith("url: " + part), (url, said)


check.run(globals())
