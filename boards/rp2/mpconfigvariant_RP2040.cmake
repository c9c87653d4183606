# RP2040 with a W5500: W5500-EVB-Pico, in pico-sdk the same board as that with a W5100S.
set(PICO_BOARD wiznet_w5100s_evb_pico)
set(MICROPY_PY_NETWORK_WIZNET5K W5500)
