"""`make check`: style, import rules, package rules. Exit status 1 when one of them is broken."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tools import check_imports

ROOT = check_imports.ROOT
LINES_MAX = 450
FILES_MAX = 12


def package_findings(root: Path = ROOT) -> list[str]:
    """Every package of lib/ has its four files, and its lists name all of its modules."""
    found = []
    for package in sorted(p for p in (root / "lib").iterdir() if p.is_dir()):
        where = package.relative_to(root)
        absent = [n for n in ("package.json", "manifest.py", "README.md", "__init__.py")
                  if not (package / n).exists()]
        found += [f"{where}: {name} is missing" for name in absent]
        if absent:
            continue
        code = {f.name for f in package.glob("*.py")} - {"manifest.py"}
        urls = json.loads((package / "package.json").read_text())["urls"]
        listed = {Path(dst).name for dst, _src in urls}
        if listed != code:
            found.append(f"{where}/package.json: lists {sorted(listed ^ code)} wrongly")
        frozen = set(re.findall(r'"([a-z0-9_]+\.py)"', (package / "manifest.py").read_text()))
        if frozen and frozen != code:
            found.append(f"{where}/manifest.py: lists {sorted(frozen ^ code)} wrongly")
        if len(code) > FILES_MAX:
            found.append(f"{where}: {len(code)} files, at most {FILES_MAX}")
    return found


def length_findings(root: Path = ROOT) -> list[str]:
    """No file of ours is longer than LINES_MAX lines."""
    found = []
    for folder in ("lib", "firmware", "boards", "tools"):
        for path in sorted((root / folder).rglob("*.py")):
            lines = len(path.read_text().splitlines())
            if lines > LINES_MAX:
                found.append(f"{path.relative_to(root)}: {lines} lines, at most {LINES_MAX}")
    return found


def main() -> int:
    """Run the three checks and print what they found."""
    ruff = subprocess.run([sys.executable, "-m", "ruff", "check", "--quiet", "."], cwd=ROOT,
                          check=False)
    found = check_imports.findings() + package_findings() + length_findings()
    for line in found:
        print(line)
    bad = bool(found) or ruff.returncode != 0
    print("check: " + ("failed" if bad else "style, imports and packages are in order"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
