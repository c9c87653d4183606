metadata(version="0.1.0", description="P-256 keys, requests and certificate chains, no IO")
package(
    "p256",
    files=(
        "__init__.py",
        "asn1.py",
        "certificate.py",
        "chain.py",
        "curve.py",
        "ecdsa.py",
        "keys.py",
    ),
    base_path="..",
)
