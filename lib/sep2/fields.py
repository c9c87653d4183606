"""Bodies that a client sends: what stands in each, in the order of the schemas.

Enters: nothing.  Leaves: kinds of bodies, the numbers of their values, and TEMPLATES by kind.

    values = {fields.MAX_W: 5000, fields.TYPE: 4, fields.MODES: 0x0010000C, fields.DOE_MODES: 15}
    write(writer, fields.DER_CAPABILITY, values, profile)

A number means one value in the bodies of its section; ratings and settings share theirs, so that
one dict serves both.  Limit: of DERSettings not setES*, of DERCapability not
rtgReactiveSusceptance, and no links.
"""

from micropython import const

# Kinds: whole documents ...
END_DEVICE = const(0)  # requirements B4
CONNECTION_POINT = const(1)  # B6
DER_CAPABILITY = const(2)  # F2
DER_SETTINGS = const(3)  # F5
DER_STATUS = const(4)  # F6
DER_AVAILABILITY = const(5)  # F7
LOG_EVENT = const(6)  # B12; of the DER function set, codes of IEEE
RESPONSE = const(7)  # E1: DERControlResponse
# ... and parts of mirror metering, of which the firmware makes documents (G2, G3).
MUP_HEAD = const(8)
MUP_TYPE = const(9)  # a MirrorMeterReading with its ReadingType
MUP_TAIL = const(10)
READINGS_HEAD = const(11)
READING = const(12)  # a MirrorMeterReading with its Reading; alone a document too
READINGS_TAIL = const(13)

# Values. Times are s since EPOCH; powers W, var, VA, Wh; "pair" is (time, value).
AT = const(0)  # changed-, created-, updated-, reading- or lastUpdateTime: of nearly all bodies

# EndDevice, ConnectionPoint.
CATEGORY = const(1)  # deviceCategory, bitmap
SFDI = const(2)  # int or digits
LFDI = const(3)  # 40 upper-case digits; of responses and MUP_HEAD too
ENABLED = const(4)  # 0 or 1
POST_RATE = const(5)  # s
CP_ID = const(6)  # connectionPointId, as a rule the NMI

# DERCapability (rtg...) and DERSettings (set...).
MODES = const(1)  # modesSupported, modesEnabled: bitmap of 32 bits (F4)
ABNORMAL = const(2)  # category
MAX_A = const(3)  # 0.1 A
MAX_AH = const(4)  # Ah
MAX_CHARGE_VA = const(5)
MAX_CHARGE_W = const(6)
MAX_DISCHARGE_VA = const(7)
MAX_DISCHARGE_W = const(8)
MAX_V = const(9)  # 0.1 V
MAX_VA = const(10)
MAX_VAR = const(11)
MAX_VAR_NEG = const(12)  # of either sign, written negative
MAX_W = const(13)
MAX_WH = const(14)
MIN_PF_OVER = const(15)  # power factors: hundredths
MIN_PF_UNDER = const(16)
MIN_V = const(17)  # 0.1 V
NORMAL = const(18)  # category
OVER_PF = const(19)
OVER_W = const(20)
UNDER_PF = const(21)
UNDER_W = const(22)
V_NOM = const(23)  # 0.1 V
TYPE = const(24)  # DERType
DOE_MODES = const(25)  # bits 0..3: ExpLim, ImpLim, GenLim, LoadLim
VPP_MODES = const(26)  # bit 0: StorageTargetW; left out where a profile has no storage
GRAD_W = const(27)  # setGradW, 0.01 %/s
SOFT_GRAD_W = const(28)
V_REF = const(29)  # 0.1 V
V_REF_OFS = const(30)  # 0.1 V
MIN_WH = const(31)  # left out where a profile has no storage

# DERStatus.
ALARM = const(1)  # bitmap of 32 bits
GEN_CONNECT = const(2)  # pair, bitmap of 8 bits
INVERTER = const(3)  # pair
LOCAL_CONTROL = const(4)  # pair
MANUFACTURER = const(5)  # pair, text of at most 6 characters
OPERATIONAL = const(6)  # pair
SOC = const(7)  # pair, hundredths of a percent
STORAGE_MODE = const(8)  # pair
STOR_CONNECT = const(9)  # pair, bitmap of 8 bits

# DERAvailability.
AVAILABLE_S = const(1)
MAX_CHARGE_S = const(2)
RESERVE_CHARGE = const(3)  # hundredths of a percent
RESERVE = const(4)  # hundredths of a percent
VAR_AVAIL = const(5)
W_AVAIL = const(6)

# LogEvent.
DETAILS = const(1)  # text
EXTENDED = const(2)
CODE = const(4)
LOG_ID = const(5)

# Responses.
STATUS = const(1)
SUBJECT = const(2)  # mRID as received

# Mirror metering.
MRID = const(1)
DESCRIPTION = const(2)  # text
ROLE = const(4)  # roleFlags, 2 or 4 hex digits as text: b"03" site, b"49" DER (G1)
QUALIFIER = const(5)
FLOW = const(6)
DURATION = const(7)  # s: intervalLength of a type, timePeriod of a reading
READING_KIND = const(8)
PHASE = const(9)
TEN = const(10)  # powerOfTenMultiplier
UOM = const(11)
QUALITY = const(12)  # qualityFlags, bitmap of 16 bits
START = const(13)  # of the timePeriod
VALUE = const(14)
COUNT = const(15)  # MirrorMeterReadings of a list

# A body is a row of pairs.  "<name bits": it opens, with xmlns of sep2 (1), xmlns:c of csipaus
# (2), xmlns of csipaus (4), all and results (8).  "</name> .": it closes.  "name =text": ever so.
# Else a value: a letter (bodies.py), the number of the value counted from "0", and "!" when it may
# not be absent, "+" when only storage profiles know it, "*" when it is a pair.
TEMPLATES = (
    b"<EndDevice 1 deviceCategory X1 lFDI l3! sFDI k2! changedTime t0! enabled f4 postRate u5 "
    b"</EndDevice> . ",
    b"<ConnectionPoint 4 connectionPointId s6! </ConnectionPoint> . ",
    b"<DERCapability 3 modesSupported X1! rtgAbnormalCategory b2 rtgMaxA V3 rtgMaxAh U4 "
    b"rtgMaxChargeRateVA U5 rtgMaxChargeRateW P6 rtgMaxDischargeRateVA U7 rtgMaxDischargeRateW P8 "
    b"rtgMaxV V9 rtgMaxVA U: rtgMaxVar P; rtgMaxVarNeg N< rtgMaxW P=! rtgMaxWh U> "
    b"rtgMinPFOverExcited F? rtgMinPFUnderExcited F@ rtgMinV VA rtgNormalCategory bB "
    b"rtgOverExcitedPF FC rtgOverExcitedW PD rtgUnderExcitedPF FE rtgUnderExcitedW PF rtgVNom VG "
    b"type bH! c:doeModesSupported xI! c:vppModesSupported xJ+ </DERCapability> . ",
    b"<DERSettings 3 modesEnabled X1! setGradW hK! setMaxA V3 setMaxAh U4 setMaxChargeRateVA U5 "
    b"setMaxChargeRateW P6 setMaxDischargeRateVA U7 setMaxDischargeRateW P8 setMaxV V9 "
    b"setMaxVA U: setMaxVar P; setMaxVarNeg N< setMaxW P=! setMaxWh U> setMinPFOverExcited F? "
    b"setMinPFUnderExcited F@ setMinV VA setSoftGradW hL setVNom VG setVRef VM setVRefOfs VN "
    b"updatedTime t0! c:doeModesEnabled xI! c:vppModesEnabled xJ+ c:setMinWh UO+ "
    b"</DERSettings> . ",
    b"<DERStatus 1 alarmStatus X1 genConnectStatus x2* inverterStatus b3* "
    b"localControlModeStatus b4* manufacturerStatus g5* operationalModeStatus b6* readingTime t0! "
    b"stateOfChargeStatus p7* storageModeStatus b8* storConnectStatus x9* </DERStatus> . ",
    b"<DERAvailability 1 availabilityDuration u1 maxChargeDuration u2 readingTime t0! "
    b"reserveChargePercent p3 reservePercent p4 statVarAvail P5 statWAvail P6 "
    b"</DERAvailability> . ",
    b"<LogEvent 1 createdDateTime t0! details s1 extendedData u2 functionSet =11 logEventCode b4! "
    b"logEventID h5! logEventPEN =40732 profileID =2 </LogEvent> . ",
    b"<DERControlResponse 1 createdDateTime t0! endDeviceLFDI l3! status b1! subject s2! "
    b"</DERControlResponse> . ",
    b"<MirrorUsagePoint 1 mRID s1! description s2 roleFlags s4! serviceCategoryKind =0 status =1 "
    b"deviceLFDI l3! ",
    b"<MirrorMeterReading 1 mRID s1! description s2 <ReadingType 0 commodity =1 dataQualifier b5 "
    b"flowDirection b6 intervalLength u7 kind b8! phase b9 powerOfTenMultiplier m: uom b;! "
    b"</ReadingType> . </MirrorMeterReading> . ",
    b"</MirrorUsagePoint> . ",
    b"<MirrorMeterReadingList 9 ",
    b"<MirrorMeterReading 1 mRID s1! lastUpdateTime t0 <Reading 0 qualityFlags w< <timePeriod 0 "
    b"duration u7! start t=! </timePeriod> . value n>! </Reading> . </MirrorMeterReading> . ",
    b"</MirrorMeterReadingList> . ",
)
