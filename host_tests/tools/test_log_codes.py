"""docs/log.md explains every code that the firmware says, and none that it does not."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"`([A-Z][A-Z_]+[A-Z])`")


def said():
    """Codes in the sources: of log calls, CONFIG_WRONG, with the ends that survey.py adds."""
    text = "\n".join(f.read_text() for f in sorted((ROOT / "firmware").glob("*.py")))
    codes = set(re.findall(r'(?:log\.(?:info|warn|error)|_ended)\(\s*"([A-Z_]+)"', text))
    codes |= {"CONFIG_WRONG"}
    codes |= set(re.findall(r'"([A-Z][A-Z_]+)" if ', text))
    codes |= set(re.findall(r'else "([A-Z][A-Z_]{4,})"', text))
    for what in ("INVERTER", "METER"):
        codes |= {what} | {what + end for end in re.findall(r'"(_[A-Z_]+)"', text)}
    return codes


def explained(part):
    return set(CODE.findall((ROOT / "docs" / "log.md").read_text().split("of `LINK_DOWN`")[part]))


def test_every_code_is_explained_and_every_explained_code_is_said():
    assert said() == explained(0) | {"LINK_DOWN"}


def test_every_reason_of_the_link_is_explained():
    text = (ROOT / "firmware" / "link.py").read_text()
    reasons = set(re.findall(r'"([A-Z]+_[A-Z_]+|TIMEOUT|NETWORK|REFUSED)"', text)) - {"LINK_CLOSE"}
    assert reasons == explained(1)
