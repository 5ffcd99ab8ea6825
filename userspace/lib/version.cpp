// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/base.h>

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

const char* kspawn_version() noexcept {
    return TEXT(KSPAWN_VERSION_MAJOR) "." TEXT(KSPAWN_VERSION_MINOR) "." TEXT(KSPAWN_VERSION_PATCH);
}
