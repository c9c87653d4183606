metadata(version="0.1.0", description="Modbus client: TCP and RTU codecs, plan of a line; no IO")
package("modbus", files=("__init__.py", "pdu.py", "plan.py", "rtu.py", "tcp.py"), base_path="..")
