# RP2350 or RP2040 with a W5500 or Wi-Fi; read by ports/rp2/CMakeLists.txt. The variant's file, read
# after this one, says which.
set(MICROPY_PY_LWIP 1)
set(MBEDTLS_CONFIG_FILE ${MICROPY_BOARD_DIR}/../mbedtls/sep2_mbedtls.h)
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)
