metadata(version="0.1.0", description="Averages over aligned intervals, and a ring of them")
package("metering", files=("__init__.py", "ring.py", "window.py"), base_path="..")
