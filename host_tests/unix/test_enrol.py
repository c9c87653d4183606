# heap: 320k
"""Key, CSR and chain on the device: nothing half done, whatever fails and whenever power does."""

import os

import check
import enrol
import p256
from edges import Flash, World, run
from identity import Identity
from loop import Loop
from p256 import P256Error
from p256.asn1 import Reader
from store import Store

# A device's key, its certificate, MICA, MCA and SERCA, policies critical (handbook Annex C).
ANSWER = check.vector("p256_device.pem")
NOW = 200000000  # s since 2020: a day in May 2026
BLOCKS = p256.blocks(ANSWER)
KEY, LEAF, MICA, MCA, SERCA = [der for _label, der in BLOCKS]
FILES = ("key.der", "cert0.der", "cert1.der", "cert2.der", "ca.der")


def rig(**files):
    """(world, loop, store) on an empty flash, or with these files."""
    world = World()
    store = Store(Flash(64).folder)
    for name, data in files.items():
        store.write(name + ".der", data)
    return world, Loop(world, world), store


async def nobody(_trial):
    """A probe that finds all well."""


def take(rigged, data=ANSWER, now=NOW, probe=nobody, image=True, new_ca=False):
    world, loop, store = rigged
    run(world, loop, enrol.take(loop, store, data, now, probe, image, new_ca))


def request(rigged, fresh=False, entropy=os.urandom):
    world, loop, store = rigged
    return run(world, loop, enrol.request(loop, store, entropy, fresh))


def held(store):
    return {name: store.read(name) for name in os.listdir(store.path(""))}


def refused(rigged, *args, **more):
    before = held(rigged[2])
    code = str(check.raises(P256Error, lambda: take(rigged, *args, **more)))
    assert held(rigged[2]) == before
    assert enrol.remedy(code), code
    return code


def test_a_blank_flash_ends_with_a_key_and_its_request():
    rigged = rig()
    store = rigged[2]
    text = request(rigged)
    assert text.startswith("-----BEGIN CERTIFICATE REQUEST-----\n")
    assert list(held(store)) == ["next.der"]
    d = p256.read_key(store.read("next.der"))
    own = p256.run(p256.public(d))
    whole = Reader(p256.blocks(text)[0][1]).enter(0x30)
    at = whole.at
    whole.next(0x30)
    info = whole.buf[at:whole.at]
    assert own in info and info[2:7] == b"\2\1\0\x30\0"  # version 0, an empty subject
    whole.next(0x30)
    assert p256.run(p256.verify(own, info, whole.bits()))
    assert request(rigged) == text  # the same key, and a nonce that is no chance
    assert request(rigged, fresh=True) != text


def test_a_board_without_entropy_makes_no_key():
    rigged = rig()
    for entropy in (lambda n: None, bytes):
        exc = check.raises(P256Error, lambda: request(rigged, entropy=entropy))
        assert str(exc) == "NO_ENTROPY" and enrol.remedy(exc)
    assert held(rigged[2]) == {}


def test_the_answer_becomes_the_files_that_the_link_reads():
    rigged = rig(next=KEY)
    store = rigged[2]
    take(rigged)
    assert held(store) == dict(zip(FILES, (KEY, LEAF, MICA, MCA, SERCA)))
    assert Identity(store).leaf == LEAF
    assert [one.der for one in enrol.certificates(store)] == [LEAF, MICA, MCA, SERCA]
    assert enrol.days_left(store, NOW) == -1  # the year 9999
    assert not enrol.finish(store)


def test_der_in_any_order_is_taken_as_well():
    rigged = rig(key=KEY, ca=SERCA)
    take(rigged, MCA + LEAF + MICA)
    assert held(rigged[2]) == dict(zip(FILES, (KEY, LEAF, MICA, MCA, SERCA)))


def test_a_renewal_for_the_old_key_leaves_a_waiting_one_alone():
    rigged = rig(key=KEY)
    request(rigged, fresh=True)
    waiting = rigged[2].read("next.der")
    take(rigged)
    assert rigged[2].read("next.der") == waiting and rigged[2].read("key.der") == KEY


def test_a_shorter_chain_leaves_nothing_of_a_longer_one():
    rigged = rig(key=KEY, cert0=b"a", cert1=b"b", cert2=b"c", cert3=b"d")
    take(rigged)
    assert sorted(held(rigged[2])) == sorted(FILES)


def test_what_cannot_be_taken_changes_nothing_and_says_what_to_do():
    rigged = rig(next=KEY)
    assert refused(rigged, now=-1) == "NO_CLOCK"
    assert refused(rigged, image=False) == "CRITICAL_POLICY"
    assert refused(rigged, KEY) == "MALFORMED"  # a key is no certificate
    assert refused(rigged, p256.pem("EC PRIVATE KEY", KEY)) == "NO_CERTIFICATE"
    assert refused(rigged, b"hello") == "MALFORMED"
    assert refused(rigged, LEAF + MCA + SERCA).startswith("NO_ISSUER:")
    assert refused(rigged, MICA + MCA + SERCA) == "WRONG_KEY"
    assert refused(rigged, LEAF[:-1] + b"\0" + MICA + MCA + SERCA).startswith("BAD_SIGNATURE:")
    assert refused(rigged, now=1).startswith("NOT_YET_VALID:")
    assert refused(rig()) == "NO_KEY"
    request(rig())
    assert enrol.remedy("EXPIRED:CN=a: b").startswith("the named")
    assert enrol.remedy("NO") == enrol.remedy("") == ""


def test_a_damaged_key_is_named_and_only_it_is_blamed():
    # The answer is in order: "send it again" would help nobody.
    for bad in (KEY[:-1], b"\0" + KEY[1:], b"junk", LEAF, KEY[:7] + bytes(32) + KEY[39:]):
        rigged = rig(next=bad)
        assert refused(rigged) == "BAD_KEY:next.der"
        rigged[2].write("key.der", KEY)
        check.raises(P256Error, lambda: request(rigged))  # not the old key's CSR, unasked
        take(rigged)  # for the old key
        assert rigged[2].read("next.der") == bad and rigged[2].read("cert0.der") == LEAF
        assert request(rigged, fresh=True) and len(rigged[2].read("next.der")) == len(KEY)
    assert refused(rig(key=b"junk")) == "BAD_KEY:key.der"
    rigged = rig(next=b"junk", key=b"junk")
    assert refused(rigged) == "BAD_KEY:next.der"
    exc = check.raises(P256Error, lambda: request(rigged))
    assert str(exc) == "BAD_KEY:next.der" and "fresh" in enrol.remedy(exc)
    request(rigged, fresh=True)
    rigged[2].write("key.der", rigged[2].read("next.der"))
    rigged[2].write("next.der", b"junk")
    assert refused(rigged) == "BAD_KEY:next.der"  # key.der is whole, the answer is not for it


def test_a_damaged_ca_is_not_the_answers_fault():
    for bad in (SERCA[:-1], b"junk"):
        rigged = rig(next=KEY, ca=bad)
        assert refused(rigged) == "BAD_CA" and "new-ca" in enrol.remedy("BAD_CA")
        take(rigged, new_ca=True)
        assert rigged[2].read("ca.der") == SERCA


def test_the_ca_on_the_flash_is_the_one_that_counts_until_told_otherwise():
    # The MICA as anchor: the chain ends there. A CA that does not fit is a foreign root.
    rigged = rig(next=KEY, ca=MICA)
    take(rigged)
    assert sorted(held(rigged[2])) == ["ca.der", "cert0.der", "key.der"]
    rigged = rig(next=KEY, ca=LEAF)
    assert refused(rigged).startswith("FOREIGN_ROOT:")
    take(rigged, new_ca=True)
    assert rigged[2].read("ca.der") == SERCA


def test_the_old_chain_stays_until_a_connection_with_the_new_one_stood():
    rigged = rig(next=KEY, key=b"old", cert0=b"old", ca=SERCA)
    seen = []

    async def refuses(trial):
        identity = Identity(trial)
        seen.append((identity.leaf, len(identity._chain), trial.read("next.der"),
                     trial.read("config.txt")))
        raise OSError(104)

    before = held(rigged[2])
    # The old key is no key: only the waiting one is asked for.
    exc = check.raises(OSError, lambda: take(rigged, probe=refuses))
    assert exc.errno == 104 and held(rigged[2]) == before
    assert seen == [(LEAF, 3, None, None)]


def test_a_power_cut_at_any_write_leaves_the_old_identity_or_the_new():
    old = dict(zip(("next.der", "key.der", "cert0.der", "cert1.der", "cert2.der", "cert3.der",
                    "ca.der"), (KEY, b"k", b"0", b"1", b"2", b"3", SERCA)))
    new = dict(zip(FILES, (KEY, LEAF, MICA, MCA, SERCA)))
    cut, outcomes = 0, []
    world = World()
    loop = Loop(world, world)
    flash = Flash(64)
    store = Store(flash.folder)
    for name, data in old.items():
        store.write(name, data)
    start = bytes(flash._data)
    files = run(world, loop, enrol.check(loop, store, ANSWER, NOW, True))
    while True:
        flash.unmount()
        flash._data[:] = start
        flash.mount()
        flash.left = cut
        try:
            enrol.commit(store, files)
            done = True
        except OSError:
            done = False
        flash.reboot()
        flash.left = cut // 2  # and once more while the boot repairs it
        try:
            enrol.finish(store)
        except OSError:
            pass
        flash.reboot()
        enrol.finish(store)
        got = held(store)
        got.pop("enrol.bin.new", None)
        assert got in (old, new), (cut, sorted(got))
        outcomes.append(got == new)
        if done:
            break
        cut += 1
    assert outcomes == sorted(outcomes)  # old up to one instant, new from then on
    assert 3 < outcomes.count(False) and 20 < outcomes.count(True), outcomes


def test_a_journal_that_is_damaged_replaces_nothing_and_says_what_to_do():
    one = b"\6\0\3ca.dernew"
    for data in (b"\5\0", one[:-1], one + b"\1", one + b"\1\0\0\xff", b"\xff" * 300):
        store = rig(ca=SERCA)[2]
        store.write("enrol.bin", data)
        exc = check.raises(ValueError, enrol.finish, store)
        assert "enrol.bin is damaged: remove it" in str(exc) and store.read("ca.der") == SERCA
    store.write("enrol.bin", one)
    assert enrol.finish(store) and store.read("ca.der") == b"new"
    assert held(store) == {"ca.der": b"new"}


class Slow(World):
    """A port on which each look at the clock has taken 4 ms."""

    def ticks_ms(self):
        self.t = self.ticks_add(self.t, 4)
        return self.t


def test_other_work_goes_on_meanwhile():
    world = Slow()
    loop = Loop(world, world)
    store = Store(Flash(64).folder)
    store.write("next.der", KEY)

    class Step:
        count = worst = last = 0

        def step(self, now):
            if self.last:
                self.worst = max(self.worst, now - self.last)
            self.last = now
            self.count += 1

    step = Step()
    loop.every(20, step)
    take((world, loop, store))
    assert step.count > 50, step.count  # a public key and three signatures
    assert step.worst <= 80, step.worst


def test_a_certificate_that_ends_is_counted_down():
    one = LEAF.replace(b"\x18\x0f99991231235959Z", b"\x18\x0f20270101000000Z")
    assert one != LEAF
    rigged = rig(cert0=one, ca=SERCA)
    store = rigged[2]
    ends = p256.Certificate(one).not_after
    assert ends == 220924800
    for now, days in ((ends - 86400 * 90, 90), (ends - 86399, 0), (ends + 1, 0), (0, 2557)):
        assert enrol.days_left(store, now) == days


def test_the_virtual_lfdi_of_the_handbook():
    assert enrol.virtual_lfdi("NMI0001234", 57269) == b"B538D9942C7B5B831AED81A1FEC46B3D00057269"
    assert enrol.virtual_lfdi("NMI0001234", 1)[32:] == b"00000001"
    for nmi, pen in (("NMI000123", 1), ("NMI000123456", 1), ("nmi0001234", 1), ("NMI 001234", 1),
                     ("NMI0001234", 0), ("NMI0001234", 100000000), ("NMI000123\xc4", 1)):
        check.raises(ValueError, enrol.virtual_lfdi, nmi, pen)


check.run(globals())
