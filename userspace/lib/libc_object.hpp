// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_LIBC_OBJECT_HPP
#define KSPAWN_LIB_LIBC_OBJECT_HPP

namespace kspawn::internal {

/// An object of libc's <spawn.h>, for as long as a start takes.
template <class Object>
class LibcObject {
public:
    using Function = int (*)(Object*);
    LibcObject(Function init, Function destroy) noexcept : destroy_(destroy) { init(&object_); }
    LibcObject(const LibcObject&) = delete;
    LibcObject& operator=(const LibcObject&) = delete;
    LibcObject(LibcObject&&) = delete;
    LibcObject& operator=(LibcObject&&) = delete;
    ~LibcObject() { destroy_(&object_); }
    [[nodiscard]] Object* get() noexcept { return &object_; }

private:
    Function destroy_;
    Object object_{};
};

} // namespace kspawn::internal

#endif
