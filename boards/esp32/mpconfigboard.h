// ESP32 with Ethernet or Wi-Fi: what the client does not need leaves its memory to the heap.
#define MICROPY_HW_BOARD_NAME "microsep2 ESP32"
#define MICROPY_HW_MCU_NAME "ESP32"
#define MICROPY_PY_BLUETOOTH (0)
#define MICROPY_PY_ESPNOW (0)
