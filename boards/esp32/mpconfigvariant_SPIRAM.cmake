# Modules with PSRAM (WROVER).
list(APPEND SDKCONFIG_DEFAULTS boards/sdkconfig.spiram)
