// Lets mbedTLS take the certificates of IEEE 2030.5, and no other certificate more than before.
//
// Enters: every X.509 certificate that the TLS code parses, by the linker's --wrap option (see
// micropython.mk and micropython.cmake); no file of MicroPython or mbedTLS is changed.
// Leaves: what mbedTLS makes of it, with one more extension understood.
//
// IEEE 2030.5 (6.11.7.2, 6.11.7.3) makes certificatePolicies critical. mbedTLS reads that extension but knows
// no policy save anyPolicy, and refuses the certificate unless a callback vouches for the rest.
// This callback vouches for policies below 1.3.6.1.4.1.40732, without qualifiers, and for nothing
// else: whatever it refuses is treated as if it were not there (an error when critical).
//
// Limits: which of the arc's policies a certificate carries is not judged. Not with -flto.

#include <stdbool.h>
#include <string.h>

#include "py/obj.h"

#include "mbedtls/build_info.h"
#include "mbedtls/asn1.h"
#include "mbedtls/x509_crt.h"
#if defined(MBEDTLS_PEM_PARSE_C)
#include "mbedtls/pem.h"
#endif

#define REFUSED (MBEDTLS_ERR_X509_INVALID_EXTENSIONS + MBEDTLS_ERR_ASN1_UNEXPECTED_TAG)
#define SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)

static const unsigned char certificate_policies[] = {0x55, 0x1d, 0x20}; // 2.5.29.32
static const unsigned char arc[] = {0x2b, 6, 1, 4, 1, 0x82, 0xbe, 0x1c}; // 1.3.6.1.4.1.40732

// Whether the len bytes at oid name something below the arc, in numbers of 7 bits a byte that
// are neither padded (a first byte 0x80) nor cut off.
static bool below_arc(const unsigned char *oid, size_t len) {
    if (len <= sizeof(arc) || memcmp(oid, arc, sizeof(arc)) != 0) {
        return false;
    }
    bool goes_on = false;
    for (size_t i = sizeof(arc); i < len; ++i) {
        if (!goes_on && oid[i] == 0x80) {
            return false;
        }
        goes_on = (oid[i] & 0x80) != 0;
    }
    return !goes_on;
}

// RFC 5280 4.2.1.4: SEQUENCE OF PolicyInformation, each the OID alone. A critical extension has
// to be understood in full, so an OID with qualifiers behind it is refused.
static bool policies_known(unsigned char *p, const unsigned char *end) {
    size_t len;
    if (mbedtls_asn1_get_tag(&p, end, &len, SEQUENCE) != 0 || len == 0 || p + len != end) {
        return false;
    }
    while (p < end) {
        if (mbedtls_asn1_get_tag(&p, end, &len, SEQUENCE) != 0) {
            return false;
        }
        const unsigned char *information_end = p + len;
        if (mbedtls_asn1_get_tag(&p, information_end, &len, MBEDTLS_ASN1_OID) != 0
            || p + len != information_end || !below_arc(p, len)) {
            return false;
        }
        p += len;
    }
    return true;
}

// mbedTLS asks this about each extension that it does not know and about policies that it does
// not know. A refused extension that is not critical is passed over by mbedTLS, as ever.
static int extension_known(void *context, mbedtls_x509_crt const *crt, mbedtls_x509_buf const *oid,
    int critical, const unsigned char *p, const unsigned char *end) {
    (void)context;
    (void)crt;
    (void)critical;
    if (oid->len != sizeof(certificate_policies)
        || memcmp(oid->p, certificate_policies, sizeof(certificate_policies)) != 0
        || !policies_known((unsigned char *)p, end)) {
        return REFUSED;
    }
    return 0;
}

int __wrap_mbedtls_x509_crt_parse_der(mbedtls_x509_crt *chain, const unsigned char *buf,
    size_t len) {
    return mbedtls_x509_crt_parse_der_with_ext_cb(chain, buf, len, 1, extension_known, NULL);
}

int __wrap_mbedtls_x509_crt_parse_der_nocopy(mbedtls_x509_crt *chain, const unsigned char *buf,
    size_t len) {
    return mbedtls_x509_crt_parse_der_with_ext_cb(chain, buf, len, 0, extension_known, NULL);
}

#if defined(MBEDTLS_PEM_PARSE_C)
static const char pem_begin[] = "-----BEGIN CERTIFICATE-----";
static const char pem_end[] = "-----END CERTIFICATE-----";

// The first certificate of the NUL-terminated PEM text; *used is how far it goes.
static int parse_one_pem(mbedtls_x509_crt *chain, const unsigned char *buf, size_t *used) {
    mbedtls_pem_context pem;
    mbedtls_pem_init(&pem);
    int ret = mbedtls_pem_read_buffer(&pem, pem_begin, pem_end, buf, NULL, 0, used);
    if (ret == 0) {
        size_t len;
        const unsigned char *der = mbedtls_pem_get_buffer(&pem, &len);
        ret = __wrap_mbedtls_x509_crt_parse_der(chain, der, len);
    }
    mbedtls_pem_free(&pem);
    return ret;
}
#endif

// DER is one certificate. PEM ends in a NUL, as mbedTLS asks, and is taken whole or not at all:
// the original skips what it cannot read. Calls inside x509_crt.c are not wrapped, hence a loop.
int __wrap_mbedtls_x509_crt_parse(mbedtls_x509_crt *chain, const unsigned char *buf, size_t len) {
    #if defined(MBEDTLS_PEM_PARSE_C)
    if (len != 0 && buf[len - 1] == 0 && strstr((const char *)buf, pem_begin) != NULL) {
        do {
            size_t used;
            int ret = parse_one_pem(chain, buf, &used);
            if (ret != 0) {
                return ret;
            }
            buf += used;
        } while (strstr((const char *)buf, pem_begin) != NULL);
        return 0;
    }
    #endif
    return __wrap_mbedtls_x509_crt_parse_der(chain, buf, len);
}

// `import sep2x509` says that the firmware was built with this module. Whether the linker was
// told to use it, only a real certificate shows.
static const mp_rom_map_elem_t globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_sep2x509) },
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t sep2x509_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&globals,
};

MP_REGISTER_MODULE(MP_QSTR_sep2x509, sep2x509_module);
