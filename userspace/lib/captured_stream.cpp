// SPDX-License-Identifier: LGPL-2.1-or-later
#include "captured_stream.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace kspawn::internal {

namespace {

constexpr std::size_t first_capacity = 4095;
// After so many reads the time limit and the other streams have their turn.
constexpr int most_reads = 16;

} // namespace

void CapturedStream::open(int pipe, std::size_t maximum) noexcept {
    pipe_ = Descriptor{pipe};
    maximum_ = maximum;
    collected_ = true;
}

// Whether there is room for a byte more, or none is wanted.
bool CapturedStream::make_room() noexcept {
    if (size_ < capacity_ || size_ >= maximum_)
        return true;
    std::size_t wanted = capacity_ == 0 ? first_capacity : capacity_ * 2 + 1;
    if (wanted < capacity_ || wanted > maximum_)
        wanted = maximum_;
    void* const memory = wanted + 1 != 0 ? resize(data_.get(), wanted + 1) : nullptr;
    if (memory == nullptr)
        return false;
    static_cast<void>(data_.release()); // resize() has freed it
    data_.reset(static_cast<char*>(memory));
    capacity_ = wanted;
    return true;
}

int CapturedStream::read(bool no_more_writers, bool& ended) noexcept {
    ended = false;
    for (int reads = 0; reads < most_reads;) {
        if (!make_room())
            return ENOMEM;
        std::array<char, 16384> unwanted; // NOLINT(cppcoreguidelines-pro-type-member-init)
        const bool keeps = size_ < maximum_;
        char* const place = keeps ? data_.get() + size_ : unwanted.data();
        const std::size_t room = keeps ? capacity_ - size_ : unwanted.size();
        const auto count = ::read(pipe_.get(), place, room);
        if (count < 0) {
            if (errno == EINTR)
                continue;
            return errno == EAGAIN ? 0 : errno;
        }
        const auto got = static_cast<std::size_t>(count);
        total_ += got;
        size_ += keeps ? got : 0;
        ended = got == 0 || (got < room && no_more_writers);
        if (got < room)
            return 0;
        ++reads;
    }
    return 0;
}

char* CapturedStream::take(std::size_t& size, unsigned long long& total) noexcept {
    size = size_;
    total = total_;
    if (!collected_)
        return nullptr;
    if (!data_)
        data_ = allocate<char>();
    if (data_)
        data_.get()[size_] = '\0';
    size_ = 0;
    return data_.release();
}

} // namespace kspawn::internal
