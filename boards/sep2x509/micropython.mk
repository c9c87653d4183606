# Ports built by make: USER_C_MODULES=.../boards (the parent folder).
SRC_USERMOD_C += $(USERMOD_DIR)/sep2x509.c
LDFLAGS_USERMOD += -Wl,--wrap=mbedtls_x509_crt_parse
LDFLAGS_USERMOD += -Wl,--wrap=mbedtls_x509_crt_parse_der
LDFLAGS_USERMOD += -Wl,--wrap=mbedtls_x509_crt_parse_der_nocopy
