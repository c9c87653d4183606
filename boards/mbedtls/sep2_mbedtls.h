// mbedTLS for IEEE 2030.5: the port's own settings, then what the standard asks for.
//
// A board names this file as its MBEDTLS_CONFIG_FILE. Leaves two cipher suites, in the order in
// which they are offered: the one that IEEE 2030.5 makes mandatory, then the one that cloud
// terminators have; and one curve, secp256r1. Limit: a server with an RSA key or on another
// curve, as most web sites are, cannot be talked to.

// As rp2 and stm32 have it: TLS memory from the GC heap (with MICROPY_TRACKED_ALLOC=1).
#if SEP2_TLS_IN_HEAP
#define MICROPY_MBEDTLS_CONFIG_BARE_METAL (1)
#endif

#include "mbedtls/mbedtls_config_port.h"

// The unix port has the operating system's entropy, where bare metal has its own.
#if SEP2_TLS_IN_HEAP
#undef MBEDTLS_ENTROPY_HARDWARE_ALT
#undef MBEDTLS_NO_PLATFORM_ENTROPY
#endif

#define MBEDTLS_CCM_C
#define MBEDTLS_SSL_CIPHERSUITES \
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8, \
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256

// Certificates and keys as utilities and OpenSSL write them.
#define MBEDTLS_PEM_PARSE_C
#define MBEDTLS_BASE64_C

// P-256 alone, with its fast reduction: a handshake is bounded by this arithmetic.
#define MBEDTLS_ECP_NIST_OPTIM
#undef MBEDTLS_ECP_DP_SECP192R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP224R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP384R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP521R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP192K1_ENABLED
#undef MBEDTLS_ECP_DP_SECP224K1_ENABLED
#undef MBEDTLS_ECP_DP_SECP256K1_ENABLED

#undef MBEDTLS_KEY_EXCHANGE_RSA_ENABLED
#undef MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED
#undef MBEDTLS_RSA_C
#undef MBEDTLS_PKCS1_V15
