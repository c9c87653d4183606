metadata(version="0.2.0", description="Controller at the connection point, pure integers")
package("sitecontrol", files=("__init__.py", "sense.py", "share.py", "site.py"), base_path="..")
