// SPDX-License-Identifier: LGPL-2.1-or-later
/// Owners of the library's objects.
#ifndef KSPAWN_TOOLS_OBJECTS_HPP
#define KSPAWN_TOOLS_OBJECTS_HPP

#include <kspawn/spawn.h>

#include <system_error>
#include <utility>

namespace kspawn::tool {

/// Throws for an error number that a function of the library has returned.
inline void check(int error, const char* what) {
    if (error != 0)
        throw std::system_error(error, std::generic_category(), what);
}

class FileActions {
public:
    FileActions() { check(kspawn_spawn_file_actions_init(&object_), "file actions"); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    FileActions(FileActions&&) = delete;
    FileActions& operator=(FileActions&& other) noexcept {
        std::swap(object_, other.object_); // its end is the other's
        return *this;
    }
    ~FileActions() { kspawn_spawn_file_actions_destroy(&object_); }
    kspawn_spawn_file_actions_t* get() noexcept { return &object_; }

private:
    kspawn_spawn_file_actions_t object_{};
};

class Attributes {
public:
    Attributes() { check(kspawn_spawnattr_init(&object_), "attributes"); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    Attributes(Attributes&&) = delete;
    Attributes& operator=(Attributes&&) = delete;
    ~Attributes() { kspawn_spawnattr_destroy(&object_); }
    kspawn_spawnattr_t* get() noexcept { return &object_; }

private:
    kspawn_spawnattr_t object_{};
};

} // namespace kspawn::tool

#endif
