"""tools.utility: the tree as a device reads it, in all three profiles."""

import json

import pytest
from asking import LFDI, NOW, OTHER, Asking, house, texts
from lxml import etree

from tools.utility import PROFILES, Request, Utility

ALL = pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
KINDS = {
    "dcap", "tm", "edevl", "edev", "rg", "fsal", "fsa", "derpl", "derp", "dderc", "dercl",
    "actderc", "derc", "derl", "der", "lel", "rspsl", "rsps", "rsp", "mupl",
}


def full(profile, **options):
    utility, device = house(profile, **options)
    modes = {"exp_w": 1500, "imp_w": 70000, "gen_w": {"value": 25, "multiplier": 2},
             "load_w": 0, "connect": True, "energize": False, "max_pct100": 5000,
             "fixed_pct100": -2500, "target_w": -100, "ramp_tms": 6000}
    if profile.storage:
        modes["storage_w"] = -4000
    utility.publish("p1", {"start": NOW + 60, "duration": 300, "modes": modes, "category":
                           "00200000", "randomize_start": 10, "randomize_duration": -5}, NOW)
    utility.publish("p1", {"start": NOW - 60, "duration": 90, "modes": {"exp_w": 1}}, NOW)
    utility.set_default("p2", {"exp_w": 1500, "imp_w": 1500}, grad=27)
    return utility, device


@ALL
def test_everything_that_can_be_reached_is_served_and_valid(profile):
    utility, device = full(profile)
    found = device.walk()
    kinds = {reply.resource for _, reply in found.values()}
    parts = {"dercap", "derg", "ders", "dera"} | ({"cp"} if profile.connection_point else set())
    assert kinds == KINDS | parts
    for _, reply in found.values():
        assert reply.status == (404 if reply.resource in parts else 200)
        assert reply.headers["Content-Type"] == profile.media_type


@ALL
def test_csipaus_elements_are_in_the_profiles_namespace(profile):
    utility, device = full(profile)
    control = utility.site().programs["p1"].controls[0]
    root = device.get(control.href)
    limit = root.xpath("//*[local-name()='opModExpLimW']")[0]
    assert etree.QName(limit).namespace == profile.namespace
    assert (b"opModStorageTargetW" in etree.tostring(root)) is profile.storage


@ALL
def test_a_list_gives_one_item_unless_l_says_more(profile):
    utility, device = house(profile)
    for i in range(7):
        utility.publish("p1", {"start": NOW + i * 60, "duration": 60, "modes": {"exp_w": i}}, NOW)
    path = utility.site().programs["p1"].list_href
    for query, results, first in (({}, 1, 0), ({"s": 3}, 1, 3), ({"s": 5, "l": 5}, 2, 5),
                                  ({"s": 7, "l": 5}, 0, None), ({"l": 0}, 0, None),
                                  ({"s": 0, "l": 255}, 7, 0)):
        root = device.get(path, **query)
        assert (root.get("all"), root.get("results")) == ("7", str(results))
        assert len(root) == results
        if results:
            assert texts(root[0], "start") == [str(NOW + first * 60)]
    for bad in ({"s": "x"}, {"l": "-1"}):
        assert device.ask("GET", path, **bad).status == 400


@ALL
def test_addresses_differ_from_run_to_run_unless_the_seed_is_the_same(profile):
    def addresses(seed):
        utility = Utility(profile, seed=seed)
        site = utility.register(LFDI, NOW)
        return {site.edev, site.derl, utility.roots["edevl"], site.programs["p1"].list_href}

    assert addresses(1) == addresses(1)
    assert not addresses(1) & addresses(2)
    assert not addresses(None) & addresses(None)


@ALL
def test_another_devices_resources_are_not_found(profile):
    utility, device = full(profile)
    utility.register(OTHER, NOW)
    other = Asking(utility, OTHER)
    own = other.walk()
    for path, (_, reply) in device.walk().items():
        if path not in own:
            assert other.ask("GET", path).status == 404
    devices = other.get(utility.roots["edevl"], s=0, l=255)
    assert texts(devices, "lFDI") == [OTHER]


@ALL
def test_an_unregistered_device_sees_empty_lists_and_no_poll_rate(profile):
    utility, device = house(profile, register=False)
    dcap = device.get(utility.roots["dcap"])
    assert dcap.get("pollRate") is None
    assert device.get(utility.roots["edevl"]).get("all") == "0"
    assert device.ask("GET", utility.roots["mupl"]).status == profile.forbidden


@ALL
def test_media_types_are_enforced_where_the_profile_does(profile):
    utility, device = house(profile)
    path, good = utility.roots["dcap"], profile.media_type
    cases = [({}, 400), ({"accept": "application/xml"}, 406), ({"accept": "*/*"}, 406),
             ({"accept": good + ", */*"}, 406), ({"accept": good.replace("; ", ";")}, 200),
             ({"accept": good.replace("application", "Application")}, 200)]
    if "storage" in good:  # parameter values are case-sensitive
        cases.append(({"accept": good.replace("storage", "Storage")}, 406))
    for headers, status in cases:
        wanted = status if profile.strict_media else 200
        assert device.ask("GET", path, headers=headers).status == wanted, headers
    rsp = utility.site().rsp
    wrong = {"accept": good, "content-type": "application/xml"}
    wanted = (400, 415) if profile.strict_media else (400, 400)
    verdicts = [device.ask("POST", rsp, b"<x/>", headers=h) for h in ({"accept": good}, wrong)]
    assert tuple(r.status for r in verdicts) == wanted


def test_the_start_path_of_v1_3_is_learnt_from_the_well_known_document():
    utility, device = house(PROFILES["v1.3"])
    ask = Request("GET", "/.well-known/csipaus", {}, {}, b"", LFDI)
    reply = utility.handle(ask, NOW)
    versions = json.loads(reply.body)["supportedSchemaVersions"]
    path, = versions["https://csipaus.org/ns/v1.3"]["dcap"]
    assert etree.QName(device.get(path)).localname == "DeviceCapability"
    decoys = [v["dcap"][0] for k, v in versions.items() if not k.endswith("/v1.3")]
    assert len(decoys) == 2
    for wrong in [*decoys, "/dcap"]:
        assert device.ask("GET", wrong).status == 404
    eql = Utility(PROFILES["eql"])
    assert eql.handle(ask, NOW).status == 404


def test_programs_come_by_primacy_then_newest_first():
    utility, device = house(PROFILES["eql"], layout=[("a", 2, "f"), ("b", 1, "f"), ("c", 1, "g"),
                                                     ("d", 1, "f")])
    site = utility.site()
    root = device.get(site.assignments["f"].list_href, l=9)
    assert texts(root, "description") == ["d", "b", "a"]
    assert texts(device.get(site.derpl, l=9), "description") == ["d", "c", "b", "a"]


def test_poll_rates_change_while_it_runs():
    utility, device = house(PROFILES["eql"])
    site = utility.site()
    places = {"dcap": utility.roots["dcap"], "tm": utility.roots["tm"], "fsa": site.fsal,
              "edev": utility.roots["edevl"], "derp": site.derpl, "der": site.derl,
              "rg": site.rg, "mup": utility.roots["mupl"]}
    for i, (kind, path) in enumerate(places.items()):
        assert device.get(path).get("pollRate") == "300"
        utility.set_rate(kind, 60 + i)
        assert device.get(path).get("pollRate") == str(60 + i)
    utility.set_rate("post", 42)
    assert texts(device.get(site.edev), "postRate") == ["42"]
    utility.set_rate("all", 5)
    assert {device.get(p).get("pollRate") for p in places.values()} == {"5"}
    with pytest.raises(ValueError):
        utility.set_rate("derc", 5)


def test_time_is_the_utilitys_own_clock():
    utility, device = house(PROFILES["eql"])
    utility.clock_offset = 90
    root = device.get(utility.roots["tm"])
    assert texts(root, "currentTime") == [str(NOW + 90)]
    assert texts(root, "quality") == ["4"]


def test_the_pin_is_served_and_its_link_can_be_left_out():
    utility, device = house(PROFILES["eql"])
    assert texts(device.get(utility.site().rg), "pIN") == ["111115"]
    utility.options.registration_link = False
    assert b"RegistrationLink" not in etree.tostring(device.get(utility.site().edev))


def test_head_and_unknown_methods():
    utility, device = house(PROFILES["eql"])
    head = device.ask("HEAD", utility.roots["dcap"])
    assert (head.status, head.body) == (200, b"")
    refused = device.ask("DELETE", utility.roots["tm"])
    assert refused.status == 405 and refused.headers["Allow"] == "GET, HEAD"
