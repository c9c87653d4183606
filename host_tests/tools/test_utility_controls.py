"""tools.utility: the life of a control on the server's side, defaults, and the forecast."""

import pytest
from asking import NOW, house, texts
from lxml import etree

from tools.utility import PROFILES
from tools.utility.control import active_power, read_modes

EQL = PROFILES["eql"]


def status(device, control):
    return int(texts(device.get(control.href), "currentStatus")[0])


def listed(device, program):
    return texts(device.get(program.list_href, s=0, l=255), "mRID")


def publish(utility, start, duration=300, program="p1", now=NOW, **more):
    modes = more.pop("modes", {"exp_w": 1500})
    said = {"start": start, "duration": duration, "modes": modes, **more}
    return utility.publish(program, said, now)


def test_a_control_is_scheduled_then_active_then_gone():
    utility, device = house(EQL)
    control = publish(utility, NOW + 100, 60)
    program = utility.site().programs["p1"]
    seen = []
    for device.now in (NOW, NOW + 99, NOW + 100, NOW + 159):
        seen.append(status(device, control))
        assert listed(device, program) == [control.mrid]
    assert seen == [0, 0, 1, 1]
    device.now = NOW + 160
    assert listed(device, program) == []
    assert device.ask("GET", control.href).status == 404


def test_a_negative_random_start_makes_it_active_earlier():
    utility, device = house(EQL)
    control = publish(utility, NOW + 100, randomize_start=-30)
    device.now = NOW + 69
    assert status(device, control) == 0
    device.now = NOW + 70
    assert status(device, control) == 1


def test_a_cancelled_control_stays_listed_until_its_original_end():
    utility, device = house(EQL)
    plain, random = publish(utility, NOW, 60), publish(utility, NOW + 60, 60, randomize_start=9)
    for control in (plain, random):
        control.cancel(NOW + 5)
    device.now = NOW + 59
    assert [status(device, c) for c in (plain, random)] == [2, 3]
    assert texts(device.get(plain.href), "dateTime") == [str(NOW + 5)]
    device.now = NOW + 60
    assert listed(device, utility.site().programs["p1"]) == [random.mrid]


def test_a_newer_overlapping_control_supersedes_at_its_creation():
    utility, device = house(EQL)
    old = publish(utility, NOW + 600, 300)
    device.now = NOW + 10
    new = publish(utility, NOW + 700, 60, now=NOW + 10)
    assert [status(device, c) for c in (old, new)] == [4, 0]
    root = device.get(old.href)
    assert texts(root, "creationTime") == [str(NOW + 10)]
    assert texts(root, "potentiallySuperseded") == ["false"]


@pytest.mark.parametrize("start, program, modes", [
    (NOW + 900, "p1", {"exp_w": 1}),  # follows without a gap
    (NOW + 600, "p2", {"exp_w": 1}),  # another program: the client's own business
    (NOW + 600, "p1", {"gen_w": 1, "ramp_tms": 5}),  # no mode in common
])
def test_others_do_not_supersede(start, program, modes):
    utility, device = house(EQL)
    old = publish(utility, NOW + 600, 300, modes={"exp_w": 1, "ramp_tms": 5})
    publish(utility, start, 300, program=program, modes=modes)
    assert status(device, old) == 0


def test_a_ruling_is_never_taken_back():
    utility, device = house(EQL)
    old, _ = publish(utility, NOW, 300), publish(utility, NOW, 300)
    old.cancel(NOW + 1)
    assert status(device, old) == 4


def test_controls_come_by_start_then_newest_first():
    utility, device = house(EQL)
    late = publish(utility, NOW + 300, modes={"gen_w": 1})
    first = publish(utility, NOW)
    newer = publish(utility, NOW, now=NOW + 1, modes={"imp_w": 1})
    same_second = publish(utility, NOW + 300, modes={"load_w": 1})
    device.now = NOW + 1
    order = [newer.mrid, first.mrid, same_second.mrid, late.mrid]
    assert listed(device, utility.site().programs["p1"]) == order


def test_active_list_holds_the_active_ones_only():
    utility, device = house(EQL)
    active, _ = publish(utility, NOW), publish(utility, NOW + 300)
    program = utility.site().programs["p1"]
    assert texts(device.get(program.active_href, l=9), "mRID") == [active.mrid]


def test_powers_are_sent_in_sixteen_bits():
    assert active_power(1500) == (1500, 0)
    assert active_power(-32768) == (-32768, 0)
    assert active_power(40000) == (4000, 1)
    assert active_power(5000, least=2) == (50, 2)
    modes = read_modes({"opModExpLimW": {"value": 525, "multiplier": 1}}, storage=False)
    assert modes == {"opModExpLimW": (525, 1)}
    for bad in ({"storage_w": 1}, {"exp": 1}):
        with pytest.raises(ValueError):
            read_modes(bad, storage=False)


def test_an_unset_default_has_an_empty_base_and_its_link_can_go():
    utility, device = house(EQL)
    program = utility.site().programs["p1"]
    root = device.get(program.default_href)
    assert len(root.xpath("//*[local-name()='DERControlBase']/*")) == 0
    assert texts(root, "setGradW") == []
    utility.set_default("p1", {"exp_w": 0}, grad=27)
    root = device.get(program.default_href)
    assert (texts(root, "value"), texts(root, "setGradW")) == (["0"], ["27"])
    program.has_default = False
    assert b"DefaultDERControlLink" not in etree.tostring(device.get(program.href))


def test_an_assignment_that_goes_takes_only_its_own_programs():
    layout = [("a", 1, "f1"), ("b", 2, "f2")]
    utility, device = house(EQL, layout=layout)
    site = utility.site()
    site.add_program("a", fsa="f2")
    control = publish(utility, NOW, program="b")
    gone = [site.programs["b"].list_href, site.assignments["f2"].href, control.href]
    site.remove_assignment("f2")
    assert list(site.programs) == ["a"]
    assert [device.ask("GET", p).status for p in gone] == [404, 404, 404]
    assert texts(device.get(site.fsal, l=9), "description") == ["f1"]
    assert control.mrid in site.known


def test_the_forecast_is_58_events_replaced_every_five_minutes():
    utility, device = house(EQL)
    utility.forecast.start(["p1"], NOW)
    program = utility.site().programs["p1"]

    def rows():
        root = device.get(program.list_href, s=0, l=255)
        return [(int(texts(c, "start")[0]), int(texts(c, "duration")[0]),
                 texts(c, "mRID")[0], texts(c, "currentStatus")[0]) for c in root]

    first = rows()
    slot = NOW // 300 * 300
    assert [r[1] for r in first] == [300] * 12 + [1800] * 46
    assert first[0][0] == slot and first[0][3] == "1"
    assert all(a[0] + a[1] == b[0] for a, b in zip(first, first[1:]))
    device.now = slot + 299
    assert rows() == first
    device.now = slot + 300
    second = rows()
    fresh = [r for r in second if r[3] in "01"]
    assert len(fresh) == 58 and fresh[0][0] == slot + 300
    assert not {r[2] for r in fresh} & {r[2] for r in first}
    assert {r[2] for r in second if r[3] == "4"} == {r[2] for r in first[1:]}
    for device.now in range(slot + 600, slot + 7200, 300):
        assert len(rows()) <= 2 * 58
