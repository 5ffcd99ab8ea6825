// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever has failed of whatever was asked for can be said, and fits.
#include <kspawn/spawn.h>

#include <cstring>
#include <string>

#include "bytes.hpp"
#include "lib/failure.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Bytes bytes({data, size});
    const auto given = bytes.byte();
    kspawn::internal::Result result;
    result.step = bytes.byte() % 16U - 1U;
    result.error = given % 2 != 0 ? bytes.byte() : bytes.number();
    result.index = given % 4 > 1 ? bytes.byte() % 16U : static_cast<unsigned>(bytes.number());
    result.no_kernel = bytes.byte();
    result.no_kernel_step = bytes.byte() % 4U;
    const auto path = bytes.string();
    const auto search = bytes.string();

    kspawn_spawn_file_actions_t actions;
    kspawn_spawnattr_t attributes;
    fuzz::require(kspawn_spawn_file_actions_init(&actions) == 0);
    fuzz::require(kspawn_spawnattr_init(&attributes) == 0);
    kspawn_spawnattr_setpgroup(&attributes, bytes.number());
    while (!bytes.empty()) {
        kspawn_spawn_file_actions_addopen(&actions, bytes.byte(), bytes.string().c_str(), 0, 0);
        kspawn_spawn_file_actions_adddup2(&actions, bytes.byte(), bytes.byte());
    }
    kspawn::internal::Request request{};
    request.path = given & 8U ? nullptr : path.c_str();
    request.search = given & 16U ? nullptr : search.c_str();
    request.file_actions = given & 32U ? nullptr : &actions;
    request.attributes = given & 64U ? nullptr : &attributes;
    kspawn::internal::failure::remember(request, result);
    fuzz::require(std::strlen(kspawn_strfailure()) < KSPAWN_FAILURE_WORDS_MAX);
    kspawn_spawn_file_actions_destroy(&actions);
    kspawn_spawnattr_destroy(&attributes);
    return 0;
}
