"""What a battery needs beside its inverter: loaded where the settings name one, and then kept.

    from battery import steered     # inside a function: ON_DEMAND of tools/build/make.py
"""

from sunspec import Battery, Hybrid, Limit, Storage, SunspecError

_RVRT_S = 120


def steered(inverter, ratings, quirk, sunny, rvrt_w, toggles):
    """(what holds its band, what reads its charge or None). SunspecError when it has no band.

    `sunny`: the settings say that it has panels too; its chain may say so by itself (160; 714 has
    the ports of batteries as well).  Then it must have a limit: the rates of the battery are none
    for the sun.  `toggles`: another limit counts only after disabling and enabling.
    """
    walk = inverter.walk
    sunny = sunny or walk.find(inverter.device, 160, 160) >= 0
    control = Storage(inverter, ratings, quirk)
    try:
        cap = Limit(inverter, ratings, quirk, rvrt_w)
    except SunspecError:
        if sunny:
            raise
    else:
        if cap.reverts:  # its expiry leads to what is safe (model 704)
            cap.rvrt_s = _RVRT_S
        cap.toggles = cap.toggles or toggles
        control = Hybrid(control, cap, sunny)
    try:
        return control, Battery(walk, 0, ratings)
    except SunspecError:
        return control, None
