"""Who the device is to a server, read from its flash: loaded at boot and let go of again.

Enters: the DER files of the flash.  Leaves: a TLS context that shows our chain and knows our CA,
and between which days all of it is valid.

    finish(store)                                  # a replacement that the power cut short
    link = Link(loop, Identity(store))

IEEE 2030.5 6.x: TLS 1.2, mutual, ECDHE-ECDSA with AES-128 CCM-8 or GCM.  Limit: four certificates.
"""

import tls
from micropython import const

_SUITES = ("TLS-ECDHE-ECDSA-WITH-AES-128-CCM-8", "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256")
_CHAIN_MAX = 4  # own certificates that are sent, leaf first
_FOREVER = const((1 << 30) - 1)  # s since 2020: 2054, and whatever ends later
_DAYS_MAX = const(12427)  # _FOREVER in days
_DAY_0 = const(737730)  # 2020-01-01 as the sum in _day() has it

JOURNAL = "enrol.bin"  # what enrol.py has decided to write


class IdentityError(Exception):
    """A key or certificate is missing or unusable; the text says which and what to do."""


class Identity:
    """The device's key and chain and the CA that it trusts, as DER files of a config.Store.

    `ca.der`, `key.der`, `cert0.der` (leaf), `cert1.der` ... in this order.  IdentityError when
    one is missing; what mbedTLS cannot load is an IdentityError too.  `begins`, `ends`: of the day
    that the last of them begins and the first of them ends, s since 2020.  Allocates.
    """

    def __init__(self, store):
        self._ca = _need(store, "ca.der", "the CA that the server's certificate goes back to")
        self._key = _need(store, "key.der", "the device's private key")
        self.leaf = _need(store, "cert0.der", "the device's own certificate")
        self._chain = [self.leaf]
        for i in range(1, _CHAIN_MAX):
            more = _read(store, "cert" + str(i) + ".der")
            if more is None:
                break
            self._chain.append(more)
        days = [_validity(der) for der in self._chain + [self._ca]]
        self.begins = max([first for first, _ in days])
        self.ends = min([last for _, last in days])

    def context(self):
        """A new tls.SSLContext that sends the chain and verifies the server."""
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED
        try:
            for certificate in self._chain:  # each call adds one certificate to what is sent
                context.load_cert_chain(certificate, self._key)
            context.load_verify_locations(self._ca)
        except ValueError as exc:
            raise IdentityError(str(exc) + ": DER files that this interpreter can load are needed"
                                " (a stock one refuses critical certificatePolicies)")
        known = context.get_ciphers()
        context.set_ciphers([suite for suite in _SUITES if suite in known])
        return context


def finish(store):
    """Complete a replacement that the power cut short; True when there was one.

    Can be done again and again: the journal goes last.  OSError: the flash.  ValueError: the
    journal is damaged, and nothing was replaced.
    """
    data = store.read(JOURNAL)
    if data is None:
        return False
    parts = []
    at = 0
    try:
        while at < len(data):
            begin = at + 3 + data[at]
            end = begin + (data[at + 1] << 8 | data[at + 2])
            if end > len(data):
                raise ValueError
            parts.append((data[at + 3:begin].decode(), begin, end))
            at = end
    except (IndexError, ValueError):
        raise ValueError(JOURNAL + " is damaged: remove it, then take the provider's answer again")
    for name, begin, end in parts:
        if end > begin:
            store.write(name, data[begin:end])
        elif store.size(name) >= 0:
            store.remove(name)
    store.remove(JOURNAL)
    return True


def _validity(der):
    # RFC 5280 4.1.2.5, to the day: s since 2020 of notBefore and notAfter.  What cannot be read
    # is always valid here: mbedTLS judges it.
    try:
        at = _span(der, _span(der, 0)[0])[0]
        for _ in range(4 if der[at] == 0xa0 else 3):  # version, serial number, algorithm, issuer
            at = _span(der, at)[1]
        at = _span(der, at)[0]
        middle = _span(der, at)[1]
        return [min(_DAYS_MAX, _day(der, i)) * 86400 for i in (at, middle)]
    except (IndexError, ValueError):
        return 0, _FOREVER


def _span(der, at):
    # Where the content of the element at `at` begins and ends.
    n = der[at + 1]
    at += 2
    if n > 128:
        size = n - 128
        if size > 2:
            raise ValueError
        n = int.from_bytes(der[at:at + size], "big")
        at += size
    return at, at + n


def _day(der, at):
    # Days from 2020-01-01 to a UTCTime or GeneralizedTime.
    text = der[at + 2:at + 10].decode()
    year = int(text[:4])
    if der[at] == 0x17:  # two digits, 2000 to 2049 (a device of ours has no older ones)
        year = 2000 + int(text[:2])
        text = "20" + text
    month = int(text[4:6])
    if month < 3:  # years begin in March, so that leap days end them
        year -= 1
        month += 12
    return (365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5
            + int(text[6:8]) - 1 - _DAY_0)


def _read(store, name):
    try:
        return store.read(name)
    except OSError as exc:
        raise IdentityError(name + " cannot be read (is it larger than 8 KiB?): " + str(exc))


def _need(store, name, what):
    data = _read(store, name)
    if data is None:
        raise IdentityError("no " + name + " on the flash: put " + what + " there as DER")
    return data
