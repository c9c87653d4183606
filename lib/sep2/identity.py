"""Who the device is to the server: LFDI, SFDI, the registration PIN, mRIDs of its telemetry.

Enters: the DER of the device's own certificate.  Leaves: the identifiers of IEEE 2030.5.

    own = lfdi(der)                     # b"4075DE60...", 40 digits
    sfdi(own)                           # 173034634270

Limit: the LFDI of a direct client only; aggregators number their virtual devices themselves.
"""

import hashlib
from binascii import hexlify

_PIN_MAX = 999999


def lfdi(der):
    """LFDI as 40 upper-case hex digits (bytes): SHA-256 of the leaf's DER, cut to 20 bytes.

    `der` is the leaf certificate alone, neither PEM nor chain (requirements A4).  Allocates.
    """
    return hexlify(hashlib.sha256(der).digest()[:20]).upper()


def sfdi(lfdi):
    """SFDI as int: the first 36 bits of the LFDI and a check digit (requirements A5).

    The sum of all decimal digits is a multiple of ten.  Allocates: the number is a big int.
    """
    head = int(lfdi[:9], 16)
    return head * 10 + (10 - _digit_sum(head) % 10) % 10


def pin_valid(pin):
    """True when the last of the PIN's six digits checks the other five (requirements A6).

    For the PIN of our own configuration only: servers hand out PINs that break the rule (J26).
    """
    return 0 <= pin <= _PIN_MAX and _digit_sum(pin // 10) % 10 == pin % 10


def pin_equal(own, server):
    """True when the server's PIN is the configured one; leading zeros do not count."""
    return int(own) == int(server)


def _digit_sum(number):
    total = 0
    while number:
        total += number % 10
        number //= 10
    return total


def mup_mrid(lfdi, role, pen):
    """mRID of a MirrorUsagePoint, as 32 bytes: the LFDI's head, the role and the PEN.

    role: b"03" or b"49".  pen: 0 .. 99999999, written in decimal (requirements G4, J16).
    """
    return lfdi[:22] + role + b"%08d" % pen


def mmr_mrid(lfdi, what, role, pen):
    """mRID of a MirrorMeterReading, as 32 bytes; `what` (bytes) names the quantity and phase.

    The LFDI goes into the hash: no two devices of a maker share one (requirements G4, J15).
    """
    return mup_mrid(hexlify(hashlib.sha256(lfdi + what).digest()[:11]).upper(), role, pen)
