// SPDX-License-Identifier: LGPL-2.1-or-later
#include "coverage.hpp"

#include <fcntl.h>
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace fuzz {

namespace {

constexpr unsigned long entries = 1UL << 16U;
constexpr std::size_t bytes = entries * sizeof(unsigned long);

} // namespace

Coverage::Coverage() : fd_(open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC)) {
    if (fd_ < 0 || ioctl(fd_, KCOV_INIT_TRACE, entries) != 0)
        return;
    void* const area = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (area == MAP_FAILED)
        return;
    if (ioctl(fd_, KCOV_ENABLE, KCOV_TRACE_PC) == 0)
        area_ = static_cast<unsigned long*>(area);
    else
        munmap(area, bytes);
}

Coverage::~Coverage() {
    if (area_ != nullptr) {
        ioctl(fd_, KCOV_DISABLE, 0);
        munmap(area_, bytes);
    }
    if (fd_ >= 0)
        close(fd_);
}

void Coverage::begin() {
    if (area_ != nullptr)
        __atomic_store_n(area_, 0, __ATOMIC_RELAXED);
}

bool Coverage::end() {
    if (area_ == nullptr)
        return false;
    const auto count = std::min(__atomic_load_n(area_, __ATOMIC_RELAXED), entries - 1);
    bool found = false;
    for (unsigned long i = 1; i <= count; ++i)
        found |= places_.insert(area_[i]).second;
    return found;
}

} // namespace fuzz
