"""ALL-01 to ALL-03, ALL-05, ALL-09, SDVN-01: found, registered, described, on every profile."""

import pytest
from house import PIN, living
from procedure import sound, steps, told
from tools.pki.identity import sfdi

NMI = "QB12345678"
IN_BAND = {"register": 1}


def registered_as_certified(house):
    """The EndDevice that was posted has LFDI and SFDI as the certificate says them."""
    (device,) = told(house, "edevl")
    assert device.leaves["lFDI"] == house.lfdi and house.lfdi.isupper()
    assert int(device.leaves["sFDI"]) == sfdi(house.lfdi)
    assert device.hex("deviceCategory") == 1 << 21
    assert list(house.utility.sites) == [house.lfdi]


def test_all_01_discovery_of_a_device_that_was_registered_before(tmp_path):
    with living(tmp_path) as house:
        house.boot()
        house.run(20)
        steps(house, "GET dcap", ("GET edevl", "GET tm", "GET derl"))
        assert house.requests()[0]["resource"] == "dcap"
        assert not told(house, "edevl")
        assert house.worst_export(18, 20) <= 5100  # the contract: nothing else was said
        sound(house)


@pytest.mark.parametrize("pin", [PIN, None])
def test_all_02_in_band_registration(tmp_path, pin):
    # Without a configured PIN the random one of the server is none to refuse (B5).
    config = {**IN_BAND, "pin": pin}
    with living(tmp_path, registered=False, in_band=True, static_pin=pin, config=config) as house:
        house.boot()
        house.run(20)
        at = steps(house, "GET dcap", "GET tm", "POST edevl", "GET derl",
                   ("PUT dercap", "PUT derg", "PUT ders"))
        assert at[-1] < 10  # dcap says no pollRate to a stranger: nobody waits for it (J42)
        registered_as_certified(house)
        assert {"dercap", "derg", "ders"} <= set(house.utility.site().documents)
        assert house.said("REGISTERED") and house.said("PIN")
        sound(house)


def test_all_02_a_server_that_refuses_is_asked_at_its_rate_and_joined_later(tmp_path):
    with living(tmp_path, registered=False, config=IN_BAND) as house:
        house.boot()
        house.run(600)
        asked = [e["at"] for e in house.requests("edevl", "POST")]
        assert len(asked) == len(house.requests("edevl", "GET")) >= 9
        assert min(b - a for a, b in zip(asked, asked[1:])) > 55
        assert {e["status"] for e in house.requests("edevl", "POST")} == {404}
        assert house.limits()[-1][1:] == (1000, "failsafe")
        assert house.worst_export(15, 600) <= 1100
        house.utility.register(house.lfdi, house.unix)
        house.default(exp_w=3000)
        house.run_until(lambda: house.limits()[-1][1:] == (3000, "default"), 70)
        house.run(20)
        assert house.worst_export(house.now - 3, house.now) <= 3100


def test_all_03_connection_point(tmp_path):
    config = {**IN_BAND, "nmi": NMI}
    with living(tmp_path, profile="v1.3b-sto", registered=False, in_band=True,
                config=config) as house:
        house.boot()
        house.run(150)
        steps(house, "GET dcap", ("GET edevl", "GET tm"), "POST edevl", "GET derl")
        steps(house, "POST edevl", "PUT cp")
        assert len(house.requests("cp", "PUT")) == 1  # put where it differs, not each time (B6)
        assert house.utility.site().connection_point == NMI
        (point,) = told(house, "cp")
        assert point.leaves == {"connectionPointId": NMI}
        registered_as_certified(house)
        sound(house)


@pytest.mark.parametrize("present", [NMI, "QB99999999"])
def test_all_03_connection_point_is_put_only_where_it_differs(tmp_path, present):
    with living(tmp_path, profile="v1.3b-sto", config={"nmi": NMI}) as house:
        house.utility.site().connection_point = present
        house.boot()
        house.run(20)
        assert len(told(house, "cp")) == (present != NMI)
        assert house.utility.site().connection_point == NMI
        sound(house)


def test_all_03_a_locked_point_or_a_wrong_nmi_stops_nothing(tmp_path):
    for name, nmi, status in (("locked", NMI, 409), ("wrong", "nmi", 422)):
        folder = tmp_path / name
        folder.mkdir()
        with living(folder, profile="v1.3b-sto", lock_cp=True, config={"nmi": nmi}) as house:
            house.utility.site().connection_point = "QB99999999"
            house.default(exp_w=3000)
            house.boot()
            house.run(130)
            assert [e["status"] for e in house.requests("cp", "PUT")] == [status]
            assert house.said("NMI_REFUSED", nmi=nmi)
            assert house.limits()[-1][1:] == (3000, "default")
            assert house.utility.site().connection_point == "QB99999999"


@pytest.mark.parametrize("profile", ["eql", "v1.3b-sto"])
def test_all_05_registered_in_band_without_a_registration_link(tmp_path, profile):
    with living(tmp_path, profile=profile, registered=False, in_band=True,
                registration_link=False, config=IN_BAND) as house:
        house.boot()
        house.run(20)
        steps(house, "GET dcap", ("GET edevl", "GET tm"), "POST edevl", ("GET fsal", "GET derl"))
        assert not house.requests("rg")
        assert house.said("TREE_COMPLETE")
        registered_as_certified(house)
        sound(house)


@pytest.mark.parametrize("profile", ["eql", "v1.3", "v1.3b-sto"])
def test_all_09_capabilities_and_settings(tmp_path, profile):
    with living(tmp_path, profile=profile) as house:
        house.default(exp_w=3000, grad=50)
        house.boot()
        house.run(135)
        steps(house, "GET derl", ("PUT ders", "PUT dercap", "PUT derg"))
        can, is_set, is_now = (told(house, kind)[-1] for kind in ("dercap", "derg", "ders"))
        assert can["rtgMaxW"] == is_set["setMaxW"] == 10000
        # What the inverter can do: export and generation limits, no import, no storage.
        assert can.hex("doeModesSupported") == is_set.hex("doeModesEnabled") == 0b0101
        assert can.hex("modesSupported") == is_set.hex("modesEnabled") == 0x0050008C
        assert len(can.leaves["doeModesSupported"]) == 2  # J5
        assert len(can.leaves["modesSupported"]) % 2 == 0
        assert can["type"] == 4 and is_set["setGradW"] == 50
        assert not any("ChargeRate" in name or "Wh" in name for name in can.leaves)
        assert ("vppModesSupported" in can) == (profile != "eql")
        assert is_now.hex("genConnectStatus") == 7 and is_now["operationalModeStatus"] == 2
        assert is_now.leaves["alarmStatus"] == "00000000"
        assert "." not in "".join(can.leaves.values()) + "".join(is_set.leaves.values())  # J4
        for kind in ("dercap", "derg", "ders"):  # again with each read of the list (F1)
            assert len(told(house, kind)) >= len(house.requests("derl", "GET"))
        sound(house)


def test_all_09_a_refused_put_is_sent_again_after_the_next_read(tmp_path):
    with living(tmp_path) as house:
        house.utility.faults.add("status", status=500, resource="derg", count=2)
        house.utility.faults.add("status", status=400, resource="dercap", count=1)
        house.boot()
        house.run(90)
        assert [e["status"] for e in house.requests("derg", "PUT")][:3] == [500, 500, 204]
        assert house.requests("derg", "PUT")[2]["at"] < 15
        assert [e["status"] for e in house.requests("dercap", "PUT")][:2] == [400, 204]
        assert set(house.utility.site().documents) == {"dercap", "derg", "ders"}


def test_sdvn_01_version_discovery(tmp_path):
    config = {**IN_BAND, "nmi": NMI}
    with living(tmp_path, profile="v1.3", registered=False, in_band=True, config=config) as house:
        house.boot()
        house.run(150)
        assert house.requests()[0]["path"] == "/.well-known/csipaus"
        steps(house, "GET wellknown", "GET dcap", "POST edevl", "PUT cp")
        paths = {e["path"].split("?")[0] for e in house.requests()}
        assert "/dcap" not in paths and not any("9999" in p or "8888" in p for p in paths)
        assert not house.requests("unknown")
        assert house.utility.site().connection_point == NMI
        assert len(house.requests("wellknown")) == 1
        sound(house)


def test_sdvn_01_no_version_in_common_says_so_and_holds_the_floor(tmp_path):
    def tamper(kind, reply):
        if kind == "unknown" and b"supportedSchemaVersions" in reply.body:
            return reply._replace(body=reply.body.replace(b"/ns/v1.3", b"/ns/v1.2"))
        return None

    with living(tmp_path, profile="v1.3") as house:
        house.tamper = tamper
        house.default(exp_w=3000)
        house.boot()
        house.run(200)
        assert house.said("NO_COMMON_VERSION")
        assert {e["resource"] for e in house.requests()} == {"wellknown"}
        assert house.limits()[-1][1:] == (1000, "failsafe")
        assert house.worst_export(15, 200) <= 1100
        house.tamper = None
        house.run_until(lambda: house.limits()[-1][1:] == (3000, "default"), 70)


@pytest.mark.parametrize("profile", ["v1.3", "v1.3b-sto", "eql"])
def test_media_types_and_namespace_are_those_of_the_profile(tmp_path, profile):
    # J1, J2, J48: one media type in Accept and Content-Type, on a server that is strict.
    seen = set()
    with living(tmp_path, profile=profile, strict_media=True) as house:
        house.heard = lambda kind, asked: seen.add(
            (asked.headers.get("accept"), asked.headers.get("content-type")))
        house.publish(5, 30, exp_w=3000)
        house.boot()
        house.run(60)
        wanted = house.utility.profile.media_type
        assert seen == {(wanted, None), (wanted, wanted)}
        said = b"".join(body for _, _, body in house.sent)
        other = {b"https://csipaus.org/ns\"", b"https://csipaus.org/ns/v1.3\"",
                 b"https://csipaus.org/ns/v1.3-beta/storage\""}
        namespace = house.utility.profile.namespace.encode() + b'"'
        assert namespace in said and not any(name in said for name in other - {namespace})
        sound(house)
