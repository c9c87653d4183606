# The image that runs the unit tests as frozen code.
include $(VARIANT_DIR)/../mpconfigvariant.mk
