metadata(version="0.1.0", description="Resources of IEEE 2030.5 and CSIP-AUS as plain integers")
package(
    "sep2",
    files=(
        "__init__.py", "bodies.py", "controls.py", "elements.py", "fields.py", "identity.py",
        "profiles.py", "record.py", "resource.py", "resources.py", "response.py", "wellknown.py",
    ),
    base_path="..",
)
