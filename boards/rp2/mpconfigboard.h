// RP2350 or RP2040 with a W5500 or Wi-Fi: which of them, the variant's cmake file says.
#define MICROPY_HW_BOARD_NAME "microsep2 RP2"
#define MICROPY_HW_FLASH_STORAGE_BYTES (PICO_FLASH_SIZE_BYTES - 1536 * 1024)

#define MICROPY_PY_NETWORK (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "microsep2"

#if MICROPY_PY_NETWORK_CYW43
#define CYW43_USE_SPI (1)
#define CYW43_LWIP (1)
#define CYW43_GPIO (1)
#define CYW43_SPI_PIO (1)
#define MICROPY_HW_PIN_EXT_COUNT CYW43_WL_GPIO_COUNT
int mp_hal_is_pin_reserved(int n);
#define MICROPY_HW_PIN_RESERVED(i) mp_hal_is_pin_reserved(i)
#else
#define MICROPY_HW_WIZNET_SPI_ID (0)
#define MICROPY_HW_WIZNET_SPI_BAUDRATE (20 * 1000 * 1000)
#define MICROPY_HW_WIZNET_SPI_SCK (18)
#define MICROPY_HW_WIZNET_SPI_MOSI (19)
#define MICROPY_HW_WIZNET_SPI_MISO (16)
#define MICROPY_HW_WIZNET_PIN_CS (17)
#define MICROPY_HW_WIZNET_PIN_RST (20)
#define MICROPY_HW_WIZNET_PIN_INTN (21)
#endif
