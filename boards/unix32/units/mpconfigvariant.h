// As the image that it stands for.
#include "../mpconfigvariant.h"
