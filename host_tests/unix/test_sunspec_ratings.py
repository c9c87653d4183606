# heap: 224k
"""What is read once: 120 and 121, 702, the scale factors, and what a device leaves out."""

from array import array

import check
from registers import (
    NAN, UNAN, Device, chain_of, common, controls, der, der_controls, der_ratings, der_storage,
    inverter, model, nameplate, plant, plant_der, run, settings, storage,
)
from sunspec import (
    ABSENT, OK, REFUSED, RTG_CHA, RTG_DIS, RTG_DV, RTG_VA, RTG_VAR, RTG_VAR_NEG, RTG_W, RTG_WH,
    SILENT, Inverter, Ratings, Walk,
)


def read(words, **faults):
    """A device, its ratings and what reading them came to."""
    device = Device({40000: words})
    walk = Walk(16)
    run(walk, device)
    device.n = 0
    device.log = []
    for name, value in faults.items():
        setattr(device, name, value)
    ratings = Ratings(Inverter(walk, 0))
    return device, ratings, run(ratings, device)


def chain(*models):
    return chain_of(common(), inverter(), *models)


def test_nameplate_and_settings():
    words = nameplate()
    words[19], words[20], words[23], words[24], words[25], words[26] = 100, 2, 50, 2, 60, 2
    _, r, result = read(chain(words, settings(), controls()))
    assert result == OK and r.dertyp == 4 and r.pct_sf == -2
    assert list(r.rtg) == [10000, 11000, 4400, -4400, 5000, 6000, 10000, ABSENT]
    assert list(r.set) == [10000, 10500, 4000, -4000, ABSENT, ABSENT, ABSENT, ABSENT]
    assert (RTG_W, RTG_VA, RTG_VAR, RTG_VAR_NEG, RTG_CHA, RTG_DIS, RTG_WH, RTG_DV) == (
        0, 1, 2, 3, 4, 5, 6, 7)
    assert r.wmax_w == 10000


def test_702_says_both_and_what_is_absorbed_is_never_positive():
    _, r, result = read(plant_der())
    assert result == OK and r.dertyp == ABSENT
    assert list(r.rtg) == [10500, 11000, 4400, -4300, 5000, 6000, ABSENT, 4000]
    assert list(r.set) == [10000, 10500, 4000, -3900, 4500, 5500, ABSENT, 3990]
    assert (r.wmax_w, r.der_sf, r.wset_sf, r.pct_sf) == (10000, -1, 0, ABSENT)


def test_of_two_models_that_say_wmax_the_larger_holds():
    # Percents of a WMax taken too low would let more through than was asked.
    assert read(chain(settings(8000), der_ratings(9000)))[1].wmax_w == 9000
    assert read(chain(settings(9000), der_ratings(8000)))[1].wmax_w == 9000
    assert read(chain(nameplate(7000), der_ratings(UNAN)))[1].wmax_w == 10500
    assert read(chain(settings(7000), der_ratings(UNAN)))[1].wmax_w == 7000


def test_a_battery_adds_what_it_can():
    _, r, _ = read(chain(nameplate(), settings(), storage(500, _18=1), der_storage()))
    assert r.set[RTG_CHA] == 5000 and r.rate_sf == -2 and r.rtg[RTG_WH] == 10000


def test_wmax_of_the_settings_else_the_rating():
    assert read(chain(nameplate(10000), settings(8000)))[1].wmax_w == 8000
    for other in (settings(UNAN), settings(8000, NAN), settings(8000, 11), settings(0)):
        assert read(chain(nameplate(10000), other))[1].wmax_w == 10000
    assert read(chain(nameplate(10000)))[1].wmax_w == 10000
    assert read(chain(settings(8000)))[1].wmax_w == 8000
    assert read(chain(nameplate(UNAN), settings(UNAN)))[1].wmax_w == ABSENT
    assert read(chain(controls()))[1].wmax_w == ABSENT


def test_a_fraction_of_a_watt_makes_wmax_larger():
    assert read(chain(settings(49999, -1)))[1].wmax_w == 5000
    assert read(chain(settings(50000, -1)))[1].wmax_w == 5000
    assert read(chain(settings(500, 1)))[1].wmax_w == 5000
    assert read(chain(settings(100, 4)))[1].wmax_w == 1000000


def test_a_model_that_refuses_costs_its_values_only():
    device, r, _ = read(plant())
    assert device.n == 3
    for refused in range(3):
        _, r, result = read(plant(), refused={refused: 2})
        assert result == OK and r.wmax_w == 10000
        assert (r.rtg[RTG_W] == ABSENT) == (refused == 0)
        assert (r.set[RTG_VA] == ABSENT) == (refused == 1)
        assert (r.pct_sf == ABSENT) == (refused == 2)
    assert read(plant(), code=2)[2] == REFUSED


def test_a_lost_answer_is_asked_for_again_and_two_leave_the_reading_silent():
    for words in (plant(), plant_der()):
        whole, _, _ = read(words)
        for lost in range(whole.n):
            _, r, result = read(words, silent={lost})
            assert result == OK and r.wmax_w == 10000
            device, r, result = read(words, silent={lost, lost + 1})
            assert result == SILENT
            r.begin()
            assert r.wmax_w == r.rtg[0] == ABSENT
            assert run(r, device) == OK and r.wmax_w == 10000
        assert read(words, silent_from=0)[2] == SILENT


def test_short_models_are_not_read_beyond_their_end():
    _, r, _ = read(chain(model(120, 5, {3: 9, 4: 0}), model(121, 22, {2: 9, 22: 0}),
                         model(123, 10, {5: 0}), model(702, 40, {}), model(124, 10, {})))
    assert list(r.rtg) == list(r.set) == [ABSENT] * 8
    assert r.wmax_w == r.pct_sf == r.rate_sf == ABSENT


def test_sentinels_and_odd_scale_factors_are_absent():
    words = der_ratings(_2=UNAN, _7=UNAN, _8=UNAN, _9=UNAN, _10=UNAN, _11=UNAN, _14=UNAN)
    _, r, _ = read(chain_of(common(), der(), words))
    assert list(r.rtg) == [ABSENT] * 8 and r.wmax_w == 10000
    _, r, _ = read(chain_of(common(), der(), der_ratings(_45=NAN, _47=NAN, _48=11, _49=NAN)))
    assert list(r.rtg) == list(r.set) == [ABSENT] * 8 and r.wmax_w == ABSENT


def test_an_inverter_learns_what_power_is_absurd_for_it():
    _, r, _ = read(plant())
    assert r._inverter.top_w == 20000
    regs = array("H", [2300, 0, 0, 0xFFFF, 25000, 0, 5000, 0xFFFE, 0, 0, 0, 0])
    assert r._inverter.take(regs) == OK and r._inverter.w == ABSENT
    regs[4] = 15000
    assert r._inverter.take(regs) == OK and r._inverter.w == 15000


def test_another_scale_factor_makes_other_ratings_and_an_unknown_one_does_not():
    first, other, same = (read(words)[1] for words in (plant(), plant(), plant()))
    assert not same.differs(first)
    for name in ("pct_sf", "der_sf", "wset_sf", "rate_sf"):
        setattr(other, name, -1)
        assert other.differs(first)
        setattr(other, name, ABSENT)
        assert not other.differs(first)
    other.wmax_w -= 1
    assert other.differs(first)


def test_any_words_at_all_are_ratings_or_absent():
    seed = 7
    for words in (plant(), plant_der(), chain(nameplate(), storage(), der_storage())):
        for _ in range(60):
            device = Device({40000: words})
            walk = Walk(8)
            run(walk, device)

            def noise(addr, value):
                nonlocal seed
                seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
                return seed >> 12 & 0xFFFF

            device.on_read = noise
            r = Ratings(Inverter(walk, 0))
            assert run(r, device) == OK
            for value in list(r.rtg) + list(r.set) + [r.wmax_w, r.pct_sf, r.der_sf, r.rate_sf]:
                assert value == ABSENT or abs(value) < 0x3FFFFFFF


def test_reading_allocates_nothing_once_it_is_made():
    regs = array("H", bytes(256))
    for words in (plant(), chain_of(common(), der(), der_ratings(), der_controls(), storage())):
        device, r, _ = read(words)
        r.begin()
        while check.locked(r.next, regs):
            check.locked(r.took, device.do(r.kind, r.addr, r.count, regs), regs)
        assert r.result == OK and r.wmax_w == 10000


check.run(globals())
