# The image of the scenario tests: as ../mpconfigvariant.mk, with another clock, poller and network.
include $(VARIANT_DIR)/../mpconfigvariant.mk
