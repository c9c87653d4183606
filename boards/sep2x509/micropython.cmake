# Ports built by CMake (rp2, esp32): USER_C_MODULES=.../boards/sep2x509/micropython.cmake
add_library(usermod_sep2x509 INTERFACE)
target_sources(usermod_sep2x509 INTERFACE ${CMAKE_CURRENT_LIST_DIR}/sep2x509.c)
target_link_options(usermod_sep2x509 INTERFACE
    -Wl,--wrap=mbedtls_x509_crt_parse
    -Wl,--wrap=mbedtls_x509_crt_parse_der
    -Wl,--wrap=mbedtls_x509_crt_parse_der_nocopy
)
target_link_libraries(usermod INTERFACE usermod_sep2x509)
