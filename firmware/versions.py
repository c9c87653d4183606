"""Where our version of CSIP-AUS begins on a server: loaded for each look, and let go of after.

    from versions import path_in    # inside a function: ON_DEMAND of tools/build/make.py
"""

import sys

from sep2 import dcap_path


def path_in(data, namespace):
    """As sep2.dcap_path(): the path of our version in what a server offers, else Sep2Error."""
    sys.modules.pop("versions", None)
    return dcap_path(data, namespace)
