"""Settings: `config.txt` on the device's flash in, typed values out.

Enters: a store with `config.txt` (`key = value` lines, `#` starts a comment).  Leaves: a Config
whose attributes are the keys below.

    conf = config.load(store)                # ConfigError says which line and what to do
    conf.site_exp_w                          # 5000

Limit: a line is at most 200 bytes, the file 8 KiB.  Needed at boot only: main lets go of it.
"""

from micropython import const

_LINE_MAX = const(200)
_BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)

TEXT = const(0)
INT = const(1)
CHOICE = const(2)
DEVICE = const(3)  # host:port/unit, or rtu:name@baud/unit, rtu:name@baud,8E1/unit

REQUIRED = "required"  # the default of a key that has none

# key: (type, low or choices, high, default, unit and meaning)
KEYS = {
    "server": (TEXT, 8, 160, REQUIRED, "https URL of DeviceCapability"),
    "profile": (CHOICE, ("eql", "v1.3", "v1.3b-sto"), None, "eql", "dialect of the server"),
    "register": (INT, 0, 1, 0, "1: register in band where the server does not know us"),
    "nmi": (TEXT, 1, 32, "", "National Metering Identifier, for the ConnectionPoint"),
    "pen": (INT, 0, 99999999, 0, "Private Enterprise Number, at the end of every mRID we make"),
    "spread_s": (INT, 0, 900, 300, "s, after a power cut the first contact comes within them"),
    "drop_unlisted": (INT, 0, 1, 0, "1: a control that vanished from its list ends, silently"),
    "pin": (INT, 0, 999999, -1, "registration PIN; the server's must equal it"),
    "inverter": (DEVICE, None, None, None, "the inverter: host:port/unit or rtu:..."),
    "inverter2": (DEVICE, None, None, None, "a second inverter, as above"),
    "inverter3": (DEVICE, None, None, None, "a third inverter"),
    "inverter_map": (CHOICE, ("", "toggle", "solaredge", "sungrow", "sungrow_permille", "goodwe"),
                     None, "", "how the inverters take their limit, where not by SunSpec alone"),
    "inverter_w": (INT, 0, 1000000, 0, "W, rating of an inverter that does not say it itself"),
    "battery": (DEVICE, None, None, None, "a battery with an inverter of its own, or a hybrid"),
    "battery_pv": (INT, 0, 1, 0, "1: the battery's inverter has panels too, if it does not say"),
    "load": (DEVICE, None, None, None, "a load that takes a limit in W"),
    "meter": (DEVICE, None, None, REQUIRED, "the meter: host:port/unit or rtu:..."),
    "meter_map": (CHOICE, ("", "sdm120", "sdm630"), None, "", "a meter that is no SunSpec device"),
    "meter_sign": (INT, -1, 1, 0, "1: the meter counts import positive, -1: export"),
    "site_exp_w": (INT, 0, 2000000, REQUIRED, "W, export that the connection contract allows"),
    "site_imp_w": (INT, 0, 2000000, REQUIRED, "W, import that the connection contract allows"),
    "per_phase": (INT, 0, 1, 0, "1: no phase may carry more than a third of a limit of the site"),
    "failsafe_exp_w": (INT, 0, 2000000, REQUIRED, "W, export until a server was ever read"),
    "failsafe_imp_w": (INT, 0, 2000000, REQUIRED, "W, import until a server was ever read"),
    "uncontrolled_gen_w": (INT, 0, 2000000, 0, "W, generation on site that is not steered"),
    "fuse_w": (INT, 0, 2000000, 0, "W, what the main fuse carries on all phases; 0: not known"),
    "sample_ms": (INT, 200, 1000, 200, "ms, how often meter and devices are read"),
    "modbus_timeout_ms": (INT, 100, 10000, 1000, "ms, how long a Modbus answer may take"),
}


class ConfigError(Exception):
    """A setting is missing or wrong; the text says which and what to do."""


class Config:
    """The settings; one attribute for each key of KEYS."""


def load(store, name="config.txt"):
    """Read and check the settings. ConfigError names the line, the cause and the remedy."""
    try:
        data = store.read(name)
    except OSError as exc:
        raise ConfigError(name + " cannot be read (is it larger than 8 KiB?): " + str(exc))
    if data is None:
        raise ConfigError("no " + name + ": write it as the README's table of keys says")
    try:
        text = data.decode()
    except UnicodeError:
        raise ConfigError(name + " is not UTF-8 text")
    conf = Config()
    seen = set()
    for number, line in enumerate(text.split("\n"), 1):
        _line(conf, seen, number, line)
    for key, row in KEYS.items():
        if key in seen:
            continue
        if row[3] is REQUIRED:
            raise ConfigError("key " + key + " is missing: " + row[4])
        setattr(conf, key, row[3])
    _one_line(conf)
    if 0 < conf.fuse_w < max(conf.site_exp_w, conf.site_imp_w):
        raise ConfigError("fuse_w: the main fuse carries less than the contract allows")
    return conf


def _line(conf, seen, number, line):
    if len(line) > _LINE_MAX:
        raise ConfigError("line " + str(number) + " is longer than 200 characters")
    line = line.split("#")[0].strip()
    if not line:
        return
    if "=" not in line:
        raise ConfigError("line " + str(number) + ": write key = value")
    key, value = line.split("=", 1)
    key, value = key.strip(), value.strip()
    if key not in KEYS:
        raise ConfigError("line " + str(number) + ": no such key " + key)
    if key in seen:
        raise ConfigError("line " + str(number) + ": " + key + " is there twice")
    seen.add(key)
    try:
        setattr(conf, key, parse(key, value))
    except ConfigError as exc:
        raise ConfigError("line " + str(number) + ": " + str(exc))


def parse(key, value):
    """The typed value of one key. ConfigError says what it may be."""
    kind, low, high, _default, about = KEYS[key]
    if kind == INT:
        return _int(key, value, low, high, about)
    if kind == CHOICE:
        if value not in low:
            raise ConfigError(key + " must be one of " + ", ".join(low))
        return value
    if kind == DEVICE:
        return _device(key, value)
    if not low <= len(value) <= high:
        raise ConfigError(key + " must have " + str(low) + " to " + str(high) + " characters")
    return value


def _int(key, value, low, high, about):
    try:
        number = int(value)
    except ValueError:
        number = None
    if number is None or not low <= number <= high or (key == "meter_sign" and number == 0):
        raise ConfigError(key + " must be a whole number from " + str(low) + " to " + str(high)
                          + " (" + about + ")")
    return number


def _device(key, value):
    # (host, port, unit) or, of a serial line, (name, (baud, parity, stop), unit): the first two
    # tell one bus from another.
    try:
        name, unit = value.rsplit("/", 1)
        if name.startswith("rtu:"):
            name, line = _serial(name[4:])
        else:
            name, port = name.rsplit(":", 1)
            line = int(port)
            if not 1 <= line <= 65535:
                raise ValueError
        unit = int(unit)
        if not name or not 1 <= unit <= 247:
            raise ValueError
    except ValueError:
        raise ConfigError(key + " must be host:port/unit or rtu:name@baud/unit or"
                          " rtu:name@baud,8E1/unit, baud 1200 to 115200, unit 1 to 247,"
                          " as 192.168.1.20:502/1 or rtu:/dev/ttyUSB0@9600/1")
    return name, line, unit


def _serial(text):
    # "name@19200,8E1" as (name, (baud, parity, stop)); parity none 0, odd 1, even 2.
    name, rate = text.rsplit("@", 1)
    form = "8N1"
    if "," in rate:
        rate, form = rate.split(",")
    baud, parity = int(rate), "NOE".find(form[1:2])
    if baud not in _BAUDS or len(form) != 3 or form[0] != "8" or parity < 0 or form[2] not in "12":
        raise ValueError
    return name, (baud, parity, int(form[2]))


def _one_line(conf):
    # A serial line has one speed, whoever speaks on it.
    lines = {}
    for key, row in KEYS.items():
        device = getattr(conf, key) if row[0] == DEVICE else None
        if device and lines.setdefault(device[0], device[1]) != device[1] \
                and not (isinstance(device[1], int) and isinstance(lines[device[0]], int)):
            raise ConfigError(key + ": " + device[0] + " is set up in another way elsewhere")
    steered = [d for d in (conf.inverter, conf.inverter2, conf.inverter3, conf.battery) if d]
    if not steered:
        raise ConfigError("key inverter is missing: " + KEYS["inverter"][4])
    if conf.load:
        if conf.per_phase:
            raise ConfigError("load: nobody knows its phases, so per_phase must be 0")
        if conf.load in steered or conf.load == conf.meter:
            raise ConfigError("load: another device has that line and unit")
    if len(set(steered)) < len(steered):
        raise ConfigError("battery: an inverter has that line and unit; a hybrid is one device,"
                          " name it as battery alone")
