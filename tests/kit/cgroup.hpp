// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_TESTS_CGROUP_HPP
#define KSPAWN_TESTS_CGROUP_HPP

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "owners.hpp"
#include "scratch.hpp"

namespace kspawn::test {

/// Cgroup version 2, mounted where nobody else looks; unusable without the privilege.
class CgroupMount {
public:
    CgroupMount() {
        if (::mount("none", scratch_.path().c_str(), "cgroup2", 0, nullptr) == 0)
            mounted_ = true;
    }
    CgroupMount(const CgroupMount&) = delete;
    CgroupMount& operator=(const CgroupMount&) = delete;
    CgroupMount(CgroupMount&&) = delete;
    CgroupMount& operator=(CgroupMount&&) = delete;
    ~CgroupMount() {
        if (mounted_)
            ::umount2(scratch_.path().c_str(), MNT_DETACH);
    }
    explicit operator bool() const { return mounted_; }
    [[nodiscard]] const std::filesystem::path& path() const { return scratch_.path(); }

private:
    Scratch scratch_;
    bool mounted_ = false;
};

/// A group of its own.  It can be removed only when it is empty.
class Cgroup {
public:
    Cgroup(const CgroupMount& mount, const std::string& name) : path_(mount.path() / name) {
        ::mkdir(path_.c_str(), 0755);
        directory_ = Descriptor{::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    }
    Cgroup(const Cgroup&) = delete;
    Cgroup& operator=(const Cgroup&) = delete;
    Cgroup(Cgroup&&) = delete;
    Cgroup& operator=(Cgroup&&) = delete;
    ~Cgroup() { (void)remove(); }
    [[nodiscard]] int get() const { return directory_.get(); }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// Whether it was there, and nothing was in it.
    bool remove() { return ::rmdir(path_.c_str()) == 0; }

private:
    std::filesystem::path path_;
    Descriptor directory_;
};

/// glibc can create a child in a cgroup since 2.39.
inline bool libc_has_cgroups() {
    return ::dlsym(RTLD_DEFAULT, "posix_spawnattr_setcgroup_np") != nullptr;
}

} // namespace kspawn::test

#endif
