metadata(version="0.1.0", description="XML in a small window: a pull reader and a writer")
package(
    "xmlpull",
    files=("__init__.py", "attributes.py", "document.py", "entities.py", "error.py", "names.py",
           "reader.py", "writer.py"),
    base_path="..",
)
