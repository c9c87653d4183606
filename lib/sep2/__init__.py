"""The resources of CSIP-AUS as plain numbers, and the bodies that are sent: see README.md."""

from .resource import DONE, HREF_MAX, ITEM, NEED_DATA, Sep2Error
from .bodies import write
from .controls import DefaultDERControl, DERControlList
from .identity import lfdi, mmr_mrid, mup_mrid, pin_equal, pin_valid, sfdi
from .profiles import NAMESPACES, PROFILES, SEP2_NS, Profile
from .record import (
    ABSENT,
    CATEGORY,
    CONNECT,
    CREATED,
    DURATION,
    DURATION_MAX,
    ENERGIZE,
    EPOCH,
    EXP_LIM_W,
    FIXED_W,
    GEN_LIM_W,
    GRAD,
    IMP_LIM_W,
    KEY_SIZE,
    LOAD_LIM_W,
    MAX_LIM_W,
    MODES,
    MODES_N,
    RAMP,
    RAND_DURATION,
    RAND_START,
    REC_SIZE,
    RESPONSE,
    START,
    STATUS,
    STORAGE_TARGET_W,
    TARGET_W,
    VALUE,
    W_MAX,
    mrid_text,
    pack_mrid,
)
from .resources import (
    ConnectionPoint,
    DERList,
    DERProgramList,
    DeviceCapability,
    EndDeviceList,
    FunctionSetAssignmentsList,
    MirrorUsagePointList,
    Registration,
    Time,
)
from .response import page, write_response
from .wellknown import dcap_path

__all__ = (
    "ABSENT", "CATEGORY", "CONNECT", "CREATED", "DONE", "DURATION", "DURATION_MAX", "ENERGIZE",
    "EPOCH", "EXP_LIM_W", "FIXED_W", "GEN_LIM_W", "GRAD", "HREF_MAX", "IMP_LIM_W", "ITEM",
    "KEY_SIZE", "LOAD_LIM_W", "MAX_LIM_W", "MODES", "MODES_N", "NAMESPACES", "NEED_DATA",
    "PROFILES", "RAMP", "RAND_DURATION", "RAND_START", "REC_SIZE", "RESPONSE", "SEP2_NS", "START",
    "STATUS", "STORAGE_TARGET_W", "TARGET_W", "VALUE", "W_MAX", "ConnectionPoint",
    "DERControlList", "DERList", "DERProgramList", "DefaultDERControl", "DeviceCapability",
    "EndDeviceList", "FunctionSetAssignmentsList", "MirrorUsagePointList", "Profile",
    "Registration", "Sep2Error", "Time", "dcap_path", "lfdi", "mmr_mrid", "mrid_text", "mup_mrid",
    "pack_mrid", "page", "pin_equal", "pin_valid", "sfdi", "write", "write_response",
)
