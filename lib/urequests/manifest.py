metadata(version="0.1.0", description="HTTP requests over one kept connection, to be awaited")
package("urequests", files=("__init__.py", "response.py", "session.py", "url.py"), base_path="..")
