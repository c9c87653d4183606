metadata(version="0.1.0", description="microsep2 on the MicroPython unix port")
module("board.py")
