# heap: 256k
"""Damaged documents end in an error of ours or in records within their ranges, never otherwise."""

import check
import sep2_feed
import sep2
from xmlpull import XMLError

def with_hrefs(xml):
    return sep2.DERControlList(xml, href_max=sep2.HREF_MAX)


_ROUNDS = 150  # for each vector
_SEED = 20305

VECTORS = (
    (sep2.DeviceCapability, "annex_d_dcap.xml"),
    (sep2.Time, "annex_d_time.xml"),
    (sep2.EndDeviceList, "annex_d_edev.xml"),
    (sep2.Registration, "annex_d_rg.xml"),
    (sep2.FunctionSetAssignmentsList, "annex_d_fsa.xml"),
    (sep2.DERList, "annex_d_derl.xml"),
    (sep2.MirrorUsagePointList, "mup_list.xml"),
    (sep2.ConnectionPoint, "cp_v13.xml"),
    (sep2.DERProgramList, "annex_d_derp.xml"),
    (sep2.DefaultDERControl, "annex_d_dderc.xml"),
    (with_hrefs, "annex_d_derc.xml"),
    (with_hrefs, "handbook_7_5_derc.xml"),
)


class Chance:
    """Numbers that look random and are the same at each run (xorshift of 32 bits)."""

    def __init__(self, seed):
        self._x = seed

    def below(self, n):
        x = self._x
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        self._x = x
        return x % n


def damage(data, chance):
    """A copy of `data` with one to three flips, deletions, doublings or borrowed bytes."""
    data = bytearray(data)
    for _ in range(1 + chance.below(3)):
        at = chance.below(len(data))
        n = 1 + chance.below(40)
        kind = chance.below(5)
        if kind == 0:
            data[at] ^= 1 << chance.below(8)
        elif kind == 1:
            data = data[:at] + data[at + n:]
        elif kind == 2:
            data = data[:at] + data[at:at + n] + data[at:]
        elif kind == 3:
            data[at] = b"<>/\"'&;- 0129aFx\0\xff"[chance.below(18)]
        else:
            other = chance.below(len(data))
            data = data[:at] + data[other:other + n] + data[at + n:]
    return bytes(data)


def elements(data, chance):
    """A copy of `data` with a whole element dropped or doubled: well-formed, but not as agreed."""
    starts = []
    at = data.find(b"<", 1)
    while at >= 0:
        if data[at + 1] not in b"/!?":
            starts.append(at)
        at = data.find(b"<", at + 1)
    at = starts[chance.below(len(starts))]
    end = data.find(b">", at)
    if data[end - 1] == 47:
        end += 1
    else:
        name = data[at + 1:end].split(b" ")[0]
        end = data.find(b"</" + name + b">", at) + len(name) + 3
    return data[:at] + data[at:end] * (2 * chance.below(2)) + data[end:]


def href_ok(href):
    return href is None or (0 < len(href) <= sep2.HREF_MAX and " " not in href)


def control_ok(r):
    """Assert that every number of a sound record is within its range."""
    rec = r.rec
    top = sep2.W_MAX
    for at, low, high in (
        (sep2.RAND_START, -3600, 3600), (sep2.RAND_DURATION, -3600, 3600),
        (sep2.RAMP, -1, 65535), (sep2.GRAD, -1, 65535), (sep2.MODES, 0, 1023),
    ):
        assert low <= rec[at] <= high, (at, rec[at])
    for m in range(sep2.MODES_N):
        value = rec[sep2.VALUE + m]
        if not rec[sep2.MODES] & (1 << m):
            assert value == sep2.ABSENT
        elif m <= sep2.ENERGIZE:
            assert 0 <= value <= 1
        elif m == sep2.FIXED_W:
            assert -10000 <= value <= 10000
        elif m == sep2.MAX_LIM_W:
            assert 0 <= value <= 10000
        elif m in {sep2.TARGET_W, sep2.STORAGE_TARGET_W}:
            assert -top <= value <= top
        else:
            assert 0 <= value <= top


def event_ok(r):
    control_ok(r)
    rec = r.rec
    top = sep2.W_MAX
    for at, low, high in (
        (sep2.CREATED, -top, top), (sep2.STATUS, 0, 4), (sep2.START, -top, top),
        (sep2.DURATION, 0, sep2.DURATION_MAX), (sep2.RESPONSE, 0, 255),
        (sep2.CATEGORY, -1, 0x3FFFFFFF),
    ):
        assert low <= rec[at] <= high, (at, rec[at])
    text = sep2.mrid_text(r.key)
    assert 1 <= len(text) <= 32
    assert all(c in b"0123456789abcdefABCDEF" for c in text), text
    assert href_ok(r.href()) and href_ok(r.reply_to)


def item_ok(r):
    """Assert that an item, if it is sound, is within its ranges."""
    if r.bad is not None:
        assert isinstance(r.bad, str) and len(r.bad) < 60
    elif isinstance(r, sep2.DERControlList):
        event_ok(r)
    elif isinstance(r, sep2.DERProgramList):
        assert 0 <= r.primacy <= 255 and r.href is not None
        assert href_ok(r.href) and href_ok(r.derc_href) and href_ok(r.dderc_href)
    elif isinstance(r, sep2.EndDeviceList):
        assert r.lfdi is not None or r.sfdi is not None
        assert r.enabled in {-1, 0, 1} and -1 <= r.post_rate < 1 << 30
        assert href_ok(r.href) and href_ok(r.fsa_href)
    elif isinstance(r, sep2.DERList):
        for href in (r.derp_href, r.dercap_href, r.derg_href, r.ders_href, r.dera_href):
            assert href_ok(href)
        assert r.href is not None
    elif isinstance(r, sep2.MirrorUsagePointList):
        assert r.href is not None and -1 <= r.post_rate < 1 << 30
        for text in (r.mrid, r.lfdi):
            assert text is None or all(c in b"0123456789ABCDEF" for c in text), text


def whole_ok(r):
    """Assert the same of what is no list, after DONE."""
    assert -1 <= r.poll_rate < 1 << 30
    if isinstance(r, sep2.DefaultDERControl):
        if r.bad is None:
            control_ok(r)
    elif isinstance(r, sep2.Time):
        assert -sep2.W_MAX <= r.current <= sep2.W_MAX and -1 <= r.quality <= 255
    elif isinstance(r, sep2.Registration):
        assert 0 <= r.pin <= 0xFFFFFFFF
    elif isinstance(r, sep2.ConnectionPoint):
        assert r.cp_id is None or len(r.cp_id) <= 32
    elif isinstance(r, sep2.DeviceCapability):
        assert href_ok(r.time_href) and href_ok(r.edev_href) and href_ok(r.mup_href)


def rounds(spoil, n):
    """Read n spoilt copies of each vector; returns how many documents came to DONE."""
    chance = Chance(_SEED)
    xml, window = sep2_feed.make()
    done = 0
    for cls, name in VECTORS:
        reader = cls(xml)
        data = check.vector(name)
        for i in range(n):
            spoilt = spoil(data, chance)
            size = (1024, 1, 64)[i % 3]
            try:
                sep2_feed.drive(reader, xml, window, sep2_feed.parts(spoilt, size), item_ok)
                whole_ok(reader)
                done += 1
            except (XMLError, sep2.Sep2Error):
                pass
            except Exception as exc:
                raise AssertionError(repr(exc) + " of " + name + ": " + repr(spoilt))
    return done


def test_bytes_that_are_damaged():
    done = rounds(damage, _ROUNDS)
    total = _ROUNDS * len(VECTORS)
    assert total // 20 < done < total * 3 // 4, done  # both outcomes are met


def test_elements_that_are_dropped_or_doubled():
    done = rounds(elements, _ROUNDS // 2)
    assert done > _ROUNDS * len(VECTORS) // 4, done


def test_no_value_changes_when_elements_are_dropped_or_doubled():
    chance = Chance(_SEED)
    xml, window = sep2_feed.make()
    reader = sep2.DERControlList(xml)
    data = check.vector("annex_d_derc.xml")
    sound = {}
    counts = [0, 0]

    def keep(r):
        sound[bytes(r.key)] = list(r.rec)

    def compare(r):
        counts[r.bad is None] += 1
        if r.bad is not None:
            return
        was = sound[bytes(r.key)]
        for i in range(sep2.REC_SIZE):
            # A mode may be gone with all of its element; what is there is what was sent.
            gone = i == sep2.MODES or r.rec[i] == sep2.ABSENT
            assert gone or r.rec[i] == was[i], (i, r.rec[i], was[i])
        assert r.rec[sep2.MODES] & ~was[sep2.MODES] == 0

    sep2_feed.drive(reader, xml, window, (data,), keep)
    for _ in range(150):
        sep2_feed.drive(reader, xml, window, (elements(data, chance),), compare)
    assert counts[0] > 50 and counts[1] > 500, counts


check.run(globals())
