metadata(version="0.1.0", description="HTTP/1.1 responses and request heads, no IO")
package("http1", files=("__init__.py", "field.py", "reader.py", "writer.py"), base_path="..")
