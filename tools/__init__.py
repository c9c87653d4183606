"""Host programs, on CPython: nothing here reaches the device."""
