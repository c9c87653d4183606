metadata(version="0.1.0", description="Modbus client codecs for TCP and RTU, without IO")
package("modbus", files=("__init__.py", "pdu.py", "rtu.py", "tcp.py"), base_path="..")
