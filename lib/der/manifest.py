metadata(version="0.1.0", description="DER control schedule, limits, ramps and answers owed")
package(
    "der",
    files=("__init__.py", "defaults.py", "envelope.py", "owed.py", "ramp.py", "record.py",
           "schedule.py", "slots.py"),
    base_path="..",
)
