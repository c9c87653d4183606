metadata(version="0.1.0", description="Controller at the connection point, pure integers")
package("sitecontrol", files=("__init__.py", "controller.py"), base_path="..")
