# heap: 192k
"""What a connection failed with, in words, and keys and certificates that cannot be used."""

import errno

import check
from edges import Flash, World, run
from identity import Identity, IdentityError
from link import Link, Stream, reason
from loop import Loop
from store import Store


def test_each_failure_has_a_cause_that_a_person_can_act_on():
    for exc, code in (
            (OSError(errno.ECONNREFUSED), "NO_SERVER"),
            (OSError(errno.ETIMEDOUT), "TIMEOUT"),
            (OSError(errno.ECONNRESET), "CLOSED_BY_SERVER"),
            (OSError(32), "CLOSED_BY_SERVER"),
            (OSError(-0x2080, "MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE"), "CRITICAL_POLICY"),
            (OSError(-0x7780, "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE"), "TLS_ALERT"),
            (OSError(-2), "NETWORK"),
            (OSError(errno.EHOSTUNREACH), "NETWORK"),
            (OSError(), "NETWORK"),
            (MemoryError(), "NO_MEMORY"),
            (ValueError("The certificate is not correctly signed by the trusted CA"),
             "CA_UNKNOWN"),
            (ValueError("The certificate Common Name (CN) does not match with the expected CN"),
             "WRONG_HOST"),
            (ValueError("The certificate validity has expired"), "CERT_EXPIRED"),
            (ValueError("The certificate validity starts in the future"), "CLOCK_BEHIND"),
            (ValueError("The certificate is not correctly signed by the trusted CA\n"
                        "The certificate validity starts in the future"), "CLOCK_BEHIND"),
            (OSError(errno.ENOMEM), "NO_MEMORY"),
            (OSError(-0x2880, "MBEDTLS_ERR_X509_ALLOC_FAILED"), "NO_MEMORY"),
            (ValueError("anything else"), "REFUSED")):
        said = reason(exc)
        assert said == code, (exc, said)


def test_a_missing_file_is_named_with_what_belongs_there():
    store = Store(Flash(32).folder)
    for name, word in (("ca.der", "CA"), ("key.der", "private key"), ("cert0.der", "own")):
        said = str(check.raises(IdentityError, Identity, store))
        assert name in said and word in said and "DER" in said, said
        store.write(name, b"\x30\x03\x02\x01\x01")
    assert Identity(store).leaf == b"\x30\x03\x02\x01\x01"


def made(**files):
    """A store with the three files, some of them other than usual."""
    store = Store(Flash(64).folder)
    for name in ("ca", "key", "cert0"):
        store.write(name + ".der", files.get(name, b"\x30\x03\x02\x01\x01"))
    return store


def test_files_that_cannot_be_loaded_are_an_identity_error():
    for what in (b"", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
                 b"\x30\x82\x01", bytes(300)):
        identity = Identity(made(cert0=what))
        said = str(check.raises(IdentityError, identity.context))
        assert "DER" in said, said
        loop = Loop(World(), World())
        check.raises(IdentityError, Link, loop, identity)


def test_a_file_too_large_to_be_a_certificate_is_an_identity_error():
    for name in ("ca", "key", "cert0"):
        said = str(check.raises(IdentityError, Identity, made(**{name: bytes(9000)})))
        assert name + ".der" in said, said


def test_a_chain_that_cannot_be_read_is_an_identity_error():
    store = made()
    store.write("cert1.der", bytes(9000))
    assert "cert1.der" in str(check.raises(IdentityError, Identity, store))


def test_a_chain_is_read_up_to_its_first_gap():
    store = made()
    store.write("cert1.der", b"one")
    store.write("cert3.der", b"three")
    assert len(Identity(store)._chain) == 2


def test_without_an_identity_nothing_secure_is_connected():
    world = World()
    link = Link(Loop(world, world))
    exc = check.raises(ValueError, lambda: run(
        world, link._loop, link.connect("server.example", 443, True, link._loop.after(1000))))
    assert "certificate" in str(exc) and link.handshakes == 0


class Sock:
    """A non-blocking socket: what it gives and takes, one entry a call."""

    def __init__(self, gives=(), takes=()):
        self.gives = list(gives)
        self.takes = list(takes)
        self.got = b""
        self.closed = 0

    def ready_in(self):
        return 30

    def readinto(self, view):
        entry = self.gives.pop(0) if self.gives else None
        if entry is None:
            return None
        if isinstance(entry, Exception):
            raise entry
        view[:len(entry)] = entry
        return len(entry)

    def write(self, view):
        n = self.takes.pop(0) if self.takes else len(view)
        if n is None:
            return None
        self.got += bytes(view[:n])
        return n

    def close(self):
        self.closed += 1
        if self.closed > 1:
            raise OSError(9)


class Ready(World):
    """Every stream is ready 30 ms after it was asked about, unless `never`."""

    never = False

    def ipoll(self, timeout):
        if self.streams and not self.never and timeout >= 30:
            self.t += 30
            return iter([(self.streams[0], 5)])
        self._jump(timeout)
        return iter(())


def rig(sock):
    world = Ready()
    loop = Loop(world, world)
    return world, loop, Stream(loop, sock)


def test_a_stream_waits_for_bytes_until_its_deadline():
    world, loop, stream = rig(Sock([None, None, b"abc", b""]))
    buf = bytearray(8)
    assert run(world, loop, stream.readinto(buf, 2, 8, loop.after(1000))) == 3
    assert bytes(buf) == b"\0\0abc\0\0\0" and world.t == 60
    assert run(world, loop, stream.readinto(buf, 0, 8, loop.after(1000))) == 0
    world.never = True
    begun = world.t
    exc = check.raises(OSError, lambda: run(
        world, loop, stream.readinto(buf, 0, 8, loop.after(700))))
    assert exc.errno == errno.ETIMEDOUT and world.t - begun == 700 and not world.streams


def test_a_stream_sends_all_of_its_bytes_whatever_the_socket_takes_at_once():
    sock = Sock(takes=[2, None, 0, 3, None])
    world, loop, stream = rig(sock)
    run(world, loop, stream.write(b"--0123456789--", 2, 12, loop.after(5000)))
    assert sock.got == b"0123456789" and world.t == 90


def test_an_idle_line_is_stale_once_it_ended_or_speaks_unasked():
    assert not rig(Sock())[2].stale()
    for entry in (b"", b"x", OSError(104), ValueError("tls")):
        assert rig(Sock([entry]))[2].stale()


def test_closing_twice_does_no_harm():
    _world, _loop, stream = rig(Sock())
    stream.close()
    stream.close()


check.run(globals())
