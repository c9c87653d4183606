"""Commissioning of who we are: a key made here, its CSR out, the provider's chain in.

Enters: the board's entropy, and later the file that the certificate provider sent.  Leaves: the
files that identity.Identity reads (key.der, cert0.der ..., ca.der), replaced all or none.

    text = await request(loop, store, board.entropy)       # PEM, for the provider
    await take(loop, store, answer, now, probe, True)      # P256Error: remedy(exc) says what to do

A replacement that the power cuts short is completed by identity.finish() at the next boot.

handbook Annex C; IEEE 2030.5 6.11.  The private key is never printed and leaves the flash only for
mbedTLS; a board's flash has no file modes: who holds it has the key (a PC's: its board's README).
Loaded on demand: with lib/p256 its code takes 14 KB of a 32-bit heap, its work 13 KB.  It gives
way to other tasks.
"""

from binascii import hexlify
from hashlib import sha256

from identity import JOURNAL, finish
from micropython import const
from p256 import (
    FOREVER,
    Certificate,
    P256Error,
    blocks,
    chain,
    csr,
    generate,
    pem,
    public,
    read_key,
    sec1,
)

WARN_DAYS = 90  # from then on a certificate's end is worth a warning each day

_KEY = "key.der"
_NEXT = "next.der"  # a key that has no certificate yet
_CA = "ca.der"
_SLICE_MS = const(10)  # of work at once: a twentieth of the control's period
_CHAIN_MAX = const(4)  # as identity.Identity reads
_JOURNAL_MAX = const(8192)  # store.FILE_MAX

# What to do about each code, a line each; docs/log.md has the same codes.
_REMEDIES = """
WRONG_KEY: the certificate is for another key: send this device's CSR again
NO_KEY: there is no key yet: make the CSR first
NO_CERTIFICATE: the file holds no certificate: paste the provider's answer
NO_ISSUER: the named certificate (MICA or MCA) is missing: ask for the full chain and add it
FOREIGN_ROOT: the chain ends in another CA than ca.der: wrong provider, or a new CA to be trusted
BAD_SIGNATURE: the named certificate is damaged or forged: fetch the file again
EXPIRED: the named certificate has ended: ask for a new one, and look at the clock
NOT_YET_VALID: the named certificate begins later: look at the clock
NO_CLOCK: the date is not known: set the clock first
CRITICAL_POLICY: this interpreter refuses critical certificatePolicies: install the image
CRITICAL_EXTENSION: a certificate demands what nobody here knows: ask the provider
POLICY: the policy is not of IEEE 2030.5: ask for a certificate of a 2030.5 authority
SIGNATURE_ALGORITHM: the named certificate is not signed by ECDSA with SHA-256: ask the provider
NOT_P256: a key is not on curve P-256: ask the provider
LEAF_IS_CA: the device's certificate is that of a CA: ask the provider
NO_CA: the named certificate may not issue others: ask the provider
KEY_USAGE: the named certificate is not for this use: ask the provider
PATH_LENGTH: too many CAs below the named one: ask the provider
TOO_LONG: more than four certificates below the root: ask the provider
TOO_LARGE: too much text or too many certificates: send the chain alone
MALFORMED: the file is damaged, or is neither PEM nor DER: send it again
ENCRYPTED: a key with a password: keys are made on the device
BAD_KEY: the named key file is damaged: make a new key and CSR (`request` with `fresh`)
BAD_CA: ca.der is damaged: put the CA there again, or trust the answer's (`take` with `new-ca`)
NO_ENTROPY: the board's random numbers are not ready: try again, else replace the board
"""


class Trial:
    """A store in which the new files stand already: for an Identity that is only tried."""

    def __init__(self, store, files):
        self._store = store
        self._files = files

    def read(self, name, limit=_JOURNAL_MAX):
        """The file's bytes, None when there is none."""
        if name in self._files:
            return self._files[name] or None
        return self._store.read(name, limit)


async def request(loop, store, entropy, fresh=False):
    """A CSR as PEM text. Makes a key first when there is none, or with `fresh` a new one.

    A new key waits on the flash until its certificate comes; the old one serves until then.
    P256Error NO_ENTROPY, BAD_KEY (`fresh` mends it); OSError when the flash refuses.  Allocates.
    """
    d = None
    if not fresh:
        d = _held(store, _NEXT) or _held(store, _KEY)
    if d:
        own = await _work(loop, public(d))
    else:
        d = generate(entropy)
        own = await _work(loop, public(d))
        store.write(_NEXT, sec1(d, own))
    return pem("CERTIFICATE REQUEST", await _work(loop, csr(d, own)))


async def check(loop, store, data, now, image, new_ca=False):
    """The files that the provider's answer makes, as {name: bytes}: an empty one is to go.

    `data`: PEM or DER, any order.  `now`: s since 2020, negative when the clock is not set.
    `image`: whether this interpreter takes critical certificatePolicies.  `new_ca`: trust the
    self-signed CA of `data` instead of ca.der.  P256Error: see remedy().  Allocates.
    """
    if now < 0:
        raise P256Error("NO_CLOCK")
    bag = [Certificate(der) for label, der in blocks(data) if label in ("", "CERTIFICATE")]
    if not bag:
        raise P256Error("NO_CERTIFICATE")
    files = {}
    own = None
    damaged = None
    for name in (_NEXT, _KEY):
        try:
            d = _held(store, name)
        except P256Error as exc:  # the answer may be for the other one
            damaged = damaged or exc
            continue
        if d:
            own = await _work(loop, public(d))
            files[_KEY] = store.read(name)
            files[_NEXT] = b"" if name == _NEXT else None
            if any([one.key == own for one in bag]):
                break
    else:
        if damaged:
            raise damaged
    if own is None:
        raise P256Error("NO_KEY")
    path, root = await _work(loop, chain(bag, own, None if new_ca else _trusted(store), now))
    if not image and any([one.image for one in path + [root]]):
        raise P256Error("CRITICAL_POLICY")
    if files[_NEXT] is None:
        del files[_NEXT]  # a key that still waits is left alone
    files[_CA] = root.der
    for i in range(_CHAIN_MAX):
        files["cert" + str(i) + ".der"] = path[i].der if i < len(path) else b""
    return files


async def take(loop, store, data, now, probe, image, new_ca=False):
    """Check the provider's answer, try it, and only then put it in the place of the old chain.

    `await probe(trial)` connects with an identity.Identity made of the store-like `trial`; what it
    raises passes, and nothing has changed then.  The rest is as in check().  OSError: the flash.
    """
    files = await check(loop, store, data, now, image, new_ca)
    await probe(Trial(store, files))
    commit(store, files)


def commit(store, files):
    """Put check()'s files in place, all or none even if the power fails. OSError: the flash."""
    out = bytearray()
    for name in files:
        data = files[name]
        out += bytes((len(name), len(data) >> 8, len(data) & 255)) + name.encode() + data
    if len(out) > _JOURNAL_MAX:
        raise P256Error("TOO_LARGE")
    store.write(JOURNAL, out)  # from here on it is decided
    finish(store)


def certificates(store):
    """Our Certificates, leaf first, then the CA, for display. P256Error MALFORMED. Allocates."""
    out = []
    for name in ["cert" + str(i) + ".der" for i in range(_CHAIN_MAX)] + [_CA]:
        der = store.read(name)
        if der:
            out.append(Certificate(der))
    return out


def days_left(store, now):
    """Whole days until the first of our certificates ends, -1 for never; 0 when one has ended.

    Warn below WARN_DAYS.  `now`: s since 2020.
    """
    ends = min([FOREVER] + [one.not_after for one in certificates(store)])
    return -1 if ends == FOREVER else max(0, ends - now) // 86400


def remedy(exc):
    """What to do about a P256Error, one sentence; "" for a code that is not listed."""
    code = "\n" + str(exc).split(":")[0] + ": "
    at = _REMEDIES.find(code)
    return _REMEDIES[at + len(code):].split("\n", 1)[0] if at >= 0 else ""


def virtual_lfdi(nmi, pen):
    """LFDI (40 digits, bytes) of a site without a certificate (handbook 6.2 and Annex C).

    `nmi`: the National Metering Identifier as the utility writes it.  `pen`: the provider's
    Private Enterprise Number, 1 .. 99999999, in decimal digits.  ValueError when either cannot be.
    """
    if not 10 <= len(nmi) <= 11 or any([not ("0" <= c <= "9" or "A" <= c <= "Z") for c in nmi]):
        raise ValueError("an NMI has 10 or 11 capital letters and digits")
    if not 0 < pen < 100000000:
        raise ValueError("a PEN has at most 8 digits")
    return hexlify(sha256(nmi.encode()).digest()[:16]).upper() + ("%08d" % pen).encode()


def _held(store, name):
    # The private key of that file, None when there is none.
    der = store.read(name)
    try:
        return read_key(der) if der else None
    except P256Error:
        raise P256Error("BAD_KEY:" + name)


def _trusted(store):
    # The Certificate that the chain has to end in, None before there is one.
    ca = store.read(_CA)
    try:
        return Certificate(blocks(ca)[0][1]) if ca else None
    except P256Error:
        raise P256Error("BAD_CA")


async def _work(loop, steps):
    # Drives a generator of p256 and lets others in each _SLICE_MS; gives what it returns.
    while True:
        due = loop.after(_SLICE_MS)
        while loop.left(due) > 0:
            try:
                next(steps)
            except StopIteration as end:
                return end.value
        await loop.sleep_ms(0)
