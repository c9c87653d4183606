"""Gives the device an identity, from a command line or the REPL, in the place of the firmware.

Enters: a flash, blank or not, and later the provider's answer as a file.  Leaves: a key that was
made here and a CSR for it; then the chain in its place, LFDI and SFDI on the console.

    micropython -m provision FLASH request board.csr       # the file for the certificate provider
    micropython -m provision FLASH take answer.pem         # its answer: PEM or DER, any order
    micropython -m provision FLASH virtual NMI PEN         # the LFDI of a site without any
    >>> import provision                                   # the same on a board, by mpremote
    >>> provision.run("request", "board.csr")

The answer is checked, then tried: the `server` of config.txt must take it in a mutual TLS
connection before it replaces what is there.  Words behind the file: `fresh` makes a new key,
`untried` is for where no server can be reached, `new-ca` trusts the answer's CA in the place of
ca.der.  handbook Annex C; IEEE 2030.5 6.11.  Limit: the board's clock must be set.
"""

import gc
import sys

import board
import config
import log
from clock import NEVER, Clock, kept
from link import Link, reason
from loop import Loop
from micropython import const
from sep2 import lfdi, sfdi
from store import Store
from urequests import split

_TRIAL_MS = const(20000)
_NETWORK_MS = const(30000)
_LOOK_MS = const(500)
_FILE_MAX = const(16384)


def run(*words):
    """Do what the words say; True when it was done, else a line says why not and what to do."""
    store = Store(board.flash())
    floor, guessed = kept(store)
    clock = Clock(board.ticks, NEVER if guessed else floor)
    log.setup(clock)
    loop = Loop(board.ticks, board.poller(), board.watchdog())
    done = []
    task = loop.spawn("provision", _do(done, loop, store, clock, words))
    while not task.done():
        loop.turn()
    return bool(done)


async def _do(done, loop, store, clock, words):
    from enrol import remedy, request, take, virtual_lfdi
    from identity import finish
    from p256 import P256Error
    try:
        finish(store)  # a replacement that the power cut short comes before a new key
        if len(words) < 2 or words[0] not in ("request", "take", "virtual"):
            raise ValueError("request FILE, take FILE, or virtual NMI PEN")
        what, name = words[:2]
        if what == "virtual":
            _say(virtual_lfdi(name, int("".join(words[2:3]))))
        elif what == "request":
            text = await request(loop, store, board.entropy, "fresh" in words)
            with open(name, "w") as f:
                f.write(text)
            log.info("REQUEST_MADE", "file", name)
        else:
            with open(name, "rb") as f:
                data = f.read(_FILE_MAX)
            probe = _unasked if "untried" in words else _Trial(loop, store).run
            await take(loop, store, data, clock.best(), probe, _is_image(), "new-ca" in words)
            log.info("IDENTITY_TAKEN")
            _say(_lfdi(store))
        done.append(True)
    except P256Error as exc:
        log.error("ANSWER_WRONG", "why", str(exc), "do", remedy(exc))
    except (IndexError, OSError, ValueError, MemoryError, config.ConfigError) as exc:
        log.error("NOT_PROVISIONED", "error", str(exc))


class _Trial:
    """A connection with the new identity to the server of config.txt."""

    def __init__(self, loop, store):
        self._loop = loop
        self._server = split(config.load(store).server)

    async def run(self, trial):
        """OSError or ValueError when the server does not take it."""
        from identity import Identity, IdentityError
        await self._online()
        gc.collect()  # the chain is put where no hole for a TLS record is wanted
        try:
            await self._ask(Link(self._loop, Identity(trial)))
        except IdentityError as exc:
            raise ValueError(str(exc))
        except (OSError, ValueError, MemoryError) as exc:
            log.error("TRIAL_FAILED", "why", reason(exc))
            raise

    async def _online(self):
        # The firmware is not there to start the board's network. OSError when it does not come.
        end = self._loop.after(_NETWORK_MS)
        while not board.online():
            if self._loop.left(end) <= 0:
                raise OSError("no network")
            await self._loop.sleep_ms(_LOOK_MS)

    async def _ask(self, link):
        tls, host, port, target = self._server
        if not tls:
            raise ValueError("no trial without https: mend `server` in config.txt")
        deadline = self._loop.after(_TRIAL_MS)
        line = await link.connect(host, port, tls, deadline)
        try:
            ask = ("GET " + target + " HTTP/1.1\r\nHost: " + host + ":" + str(port)
                   + "\r\nAccept: application/sep+xml\r\nConnection: close\r\n\r\n").encode()
            await line.write(ask, 0, len(ask), deadline)
            head = bytearray(12)  # HTTP/1.1 200
            n = 0
            while n < len(head):
                got = await line.readinto(head, n, len(head), deadline)
                if not got:
                    raise OSError(104)
                n += got
        finally:
            line.close()
        log.info("IDENTITY_TRIED", "status", head[9:])
        if head[9] not in b"23":
            raise ValueError("the server does not take it (it may not know this LFDI yet, then "
                             "`untried` takes it all the same)")


async def _unasked(_trial):
    pass


def _is_image():
    # Whether this interpreter takes critical certificatePolicies.
    try:
        __import__("sep2x509")
    except ImportError:
        return False
    return True


def _lfdi(store):
    from identity import Identity
    return lfdi(Identity(store).leaf)


def _say(who):
    log.info("IDENTITY", "lfdi", who, "sfdi", sfdi(who))


if __name__ == "__main__":
    sys.exit(0 if run(*sys.argv[2:]) else 1)
