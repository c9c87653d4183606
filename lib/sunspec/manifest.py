metadata(version="0.1.0", description="SunSpec models as register operations and integers")
package("sunspec", files=(
    "__init__.py", "chain.py", "limit.py", "live.py", "points.py", "quirks.py",
    "ratings.py", "sequence.py", "setting.py", "storage.py", "values.py", "walk.py",
), base_path="..")
