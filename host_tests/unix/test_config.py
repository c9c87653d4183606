# heap: 128k
"""config.txt: every key typed and ranged, every refusal says the line and the remedy."""

import check
import config
from config import ConfigError

GOOD = """# a site
server = https://utility.example/dcap
inverter = 192.168.1.20:502/1
meter = 192.168.1.20:502/200   # same bus
site_exp_w = 5000
site_imp_w = 10000
failsafe_exp_w = 1500
failsafe_imp_w = 1500
"""


class Files:
    """A store in memory: only `read` is needed to load."""

    def __init__(self, text):
        self.data = text if text is None or isinstance(text, bytes) else text.encode()

    def read(self, name):
        return self.data


def load(text):
    return config.load(Files(text))


def refused(text, *words):
    said = str(check.raises(ConfigError, load, text))
    for word in words:
        assert word in said, said


def test_a_good_file_gives_typed_values_and_defaults():
    conf = load(GOOD)
    assert conf.server == "https://utility.example/dcap"
    assert conf.inverter == ("192.168.1.20", 502, 1)
    assert conf.meter == ("192.168.1.20", 502, 200)
    assert conf.site_exp_w == 5000 and conf.failsafe_imp_w == 1500
    assert conf.profile == "eql" and conf.pin == -1 and conf.meter_sign == 0


def test_each_missing_key_is_named():
    lines = GOOD.split("\n")
    for i in range(1, 8):
        key = lines[i].split(" ")[0]
        refused("\n".join(lines[:i] + lines[i + 1:]), key, "missing")


def test_a_wrong_value_says_line_key_and_range():
    refused(GOOD + "pin = abc\n", "line 9", "pin", "999999")
    refused(GOOD.replace("5000", "-1"), "line 5", "site_exp_w")
    refused(GOOD.replace("5000", "5 kW"), "line 5", "site_exp_w")
    refused(GOOD + "profile = v9\n", "eql, v1.3, v1.3b-sto")
    refused(GOOD + "meter_sign = 0\n", "meter_sign")
    for wrong in ("192.168.1.20", "h:502", "h:99999/1", "h:502/248", ":502/1", "h:x/1"):
        refused(GOOD.replace("192.168.1.20:502/1\n", wrong + "\n"), "host:port/unit")


def test_a_serial_line_gives_name_speed_form_and_unit():
    for text, parity, stop in (("9600", 0, 1), ("9600,8N1", 0, 1), ("19200,8E1", 2, 1),
                               ("115200,8O1", 1, 1), ("9600,8N2", 0, 2)):
        conf = load(GOOD.replace("192.168.1.20:502/1\n", "rtu:/dev/ttyUSB0@" + text + "/7\n"))
        baud = int(text.split(",")[0])
        assert conf.inverter == ("/dev/ttyUSB0", (baud, parity, stop), 7), conf.inverter


def test_a_serial_line_that_cannot_be_is_refused():
    for wrong in ("rtu:@9600/1", "rtu:x/1", "rtu:x@/1", "rtu:x@9601/1", "rtu:x@9600/0",
                  "rtu:x@9600,7E1/1", "rtu:x@9600,8X1/1", "rtu:x@9600,8N3/1", "rtu:x@9600,8N/1",
                  "rtu:x@9600,/1", "rtu:x@9600,8N1,8N1/1", "rtu:x@9600", "rtu:/dev/ttyS0/1",
                  "rtu:x@-9600/1", "rtu:x@9600,8N12/1"):
        refused(GOOD.replace("192.168.1.20:502/1\n", wrong + "\n"), "rtu:name@baud/unit")


def test_one_serial_line_has_one_speed():
    both = GOOD.replace("192.168.1.20:502/", "rtu:/dev/ttyS1@9600/")
    conf = load(both)
    assert conf.inverter[:2] == conf.meter[:2] and conf.meter[2] == 200
    for other in ("19200", "9600,8E1", "9600,8N2"):
        refused(both.replace("@9600/200", "@" + other + "/200"), "/dev/ttyS1", "another")
    conf = load(GOOD.replace(":502/200", ":1502/200"))  # two ports of one host are two buses
    assert conf.meter[1] == 1502


def test_maps_of_devices_without_sunspec_are_named_and_known():
    conf = load(GOOD)
    assert (conf.meter_map, conf.inverter_map, conf.inverter_w) == ("", "", 0)
    conf = load(GOOD + "meter_map = sdm630\ninverter_map = solaredge\ninverter_w = 8000\n")
    assert (conf.meter_map, conf.inverter_map, conf.inverter_w) == ("sdm630", "solaredge", 8000)
    refused(GOOD + "meter_map = sdm72\n", "meter_map", "sdm120")
    for name in ("toggle", "sungrow"):
        assert load(GOOD + "inverter_map = " + name + "\n").inverter_map == name
    refused(GOOD + "inverter_map = fronius\n", "inverter_map", "solaredge")


def test_a_main_fuse_carries_what_the_contract_allows():
    assert load(GOOD).fuse_w == 0
    conf = load(GOOD + "fuse_w = 14500\n")
    assert conf.fuse_w == 14500 >= max(conf.site_exp_w, conf.site_imp_w)
    refused(GOOD + "fuse_w = 1000\n", "fuse_w", "contract")
    refused(GOOD + "fuse_w = 2000001\n", "fuse_w", "2000000")


def test_unknown_doubled_and_broken_lines_are_refused():
    refused(GOOD + "exp_limit = 3\n", "no such key exp_limit")
    refused(GOOD + "site_exp_w = 3\n", "twice")
    refused(GOOD + "hello\n", "key = value")
    refused(GOOD + "# " + "x" * 300 + "\n", "200 characters")
    refused(b"\xff\xfe", "UTF-8")
    refused(None, "config.txt", "README")


def test_every_key_has_its_text_and_default_in_range():
    for key, row in config.KEYS.items():
        assert len(row) == 5 and row[4]
        if row[0] == config.INT and row[3] is not config.REQUIRED:
            assert row[3] == -1 or row[1] <= row[3] <= row[2], key


def test_a_battery_may_stand_alone_and_a_hybrid_is_named_once():
    conf = load(GOOD.replace("inverter =", "battery ="))
    assert conf.inverter is None and conf.battery == ("192.168.1.20", 502, 1)
    refused(GOOD + "battery = 192.168.1.20:502/1\n", "battery", "hybrid")
    refused(GOOD + "inverter2 = 192.168.1.20:502/1\n", "line and unit")


check.run(globals())
