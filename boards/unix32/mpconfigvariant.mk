# The unix port for 32-bit words with the client frozen in; read by ports/unix/Makefile.
MICROPY_FORCE_32BIT = 1
MICROPY_PY_FFI = 0
MICROPY_PY_BTREE = 0
MICROPY_PY_SSL = 1
MICROPY_SSL_AXTLS = 0
MICROPY_SSL_MBEDTLS = 1
MBEDTLS_CONFIG_FILE = \"sep2_mbedtls.h\"
CFLAGS += -I$(USER_C_MODULES)/mbedtls
FROZEN_MANIFEST = $(VARIANT_DIR)/manifest.py
# Nothing is taken from micropython-lib; the makefile only looks for a README.md there.
MPY_LIB_DIR = $(VARIANT_DIR)
# SEP2_TLS_IN_HEAP=1: mbedTLS allocates from the GC heap, as on rp2 and stm32.
ifeq ($(SEP2_TLS_IN_HEAP),1)
CFLAGS += -DSEP2_TLS_IN_HEAP=1 -DMICROPY_TRACKED_ALLOC=1
endif
