// SPDX-License-Identifier: LGPL-2.1-or-later
/// The C library's objects, held and filled by C++.
#ifndef KSPAWN_LIB_COMMAND_OBJECTS_HPP
#define KSPAWN_LIB_COMMAND_OBJECTS_HPP

#include <kspawn/spawn.h>

#include <utility>

namespace kspawn::internal {

/// File actions.  Errors add up: the first one is kept.
class FileActions {
public:
    FileActions() noexcept : object_() { kspawn_spawn_file_actions_init(&object_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    /// The object owns memory and may lie anywhere.
    FileActions(FileActions&& other) noexcept : object_(other.object_), error_(other.error_) {
        kspawn_spawn_file_actions_init(&other.object_);
    }
    FileActions& operator=(FileActions&& other) noexcept {
        std::swap(object_, other.object_);
        std::swap(error_, other.error_);
        return *this;
    }
    ~FileActions() { kspawn_spawn_file_actions_destroy(&object_); }

    void open(int fd, const char* path, int oflag, mode_t mode) noexcept {
        note(kspawn_spawn_file_actions_addopen(&object_, fd, path, oflag, mode));
    }
    void close(int fd) noexcept { note(kspawn_spawn_file_actions_addclose(&object_, fd)); }
    void dup2(int fd, int newfd) noexcept {
        note(kspawn_spawn_file_actions_adddup2(&object_, fd, newfd));
    }
    void inherit(int fd) noexcept { note(kspawn_spawn_file_actions_addinherit_np(&object_, fd)); }
    void chdir(const char* path) noexcept {
        note(kspawn_spawn_file_actions_addchdir(&object_, path));
    }
    void fchdir(int fd) noexcept { note(kspawn_spawn_file_actions_addfchdir(&object_, fd)); }
    void closefrom(int from) noexcept {
        note(kspawn_spawn_file_actions_addclosefrom_np(&object_, from));
    }
    void close_range(int first, int last) noexcept {
        note(kspawn_spawn_file_actions_addclose_range_np(&object_, first, last));
    }
    void pass(int fd, int newfd, int oflag) noexcept {
        note(kspawn_spawn_file_actions_addpass_np(&object_, fd, newfd, oflag));
    }
    /// Made before the start where the start cannot make it.
    void pipe(int newfd, int direction, int* end) noexcept {
        note(kspawn_spawn_file_actions_addpipe_np(&object_, newfd, direction, 0, end));
        note(kspawn_spawn_file_actions_setfallback_np(&object_, 1));
    }
    void tcsetpgrp(int fd) noexcept {
        note(kspawn_spawn_file_actions_addtcsetpgrp_np(&object_, fd));
    }

    /// By a function that is given the object, and returns an error number.
    template <class Add>
    void add(const Add& add) {
        note(add(&object_));
    }

    [[nodiscard]] int error() const noexcept { return error_; }
    [[nodiscard]] unsigned count() const noexcept { return object_.private_members.count; }
    [[nodiscard]] kspawn_spawn_file_actions_t* get() noexcept { return &object_; }

private:
    void note(int error) noexcept {
        if (error_ == 0)
            error_ = error;
    }

    kspawn_spawn_file_actions_t object_;
    int error_ = 0;
};

/// Attributes, which own nothing but must be destroyed all the same.
class Attributes {
public:
    Attributes() noexcept { kspawn_spawnattr_init(&object_); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    Attributes(Attributes&&) = delete;
    Attributes& operator=(Attributes&&) = delete;
    ~Attributes() { kspawn_spawnattr_destroy(&object_); }
    [[nodiscard]] kspawn_spawnattr_t* get() noexcept { return &object_; }

private:
    kspawn_spawnattr_t object_{};
};

} // namespace kspawn::internal

#endif
