// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <memory>

#include "userspace/lib/memory.hpp"

namespace kspawn::preload::streams {

namespace {

// All operations on what is shared are sequentially consistent: whether one of two
// threads sees the other is the point of it.
constinit std::atomic<Stream*> all{nullptr};
constinit std::atomic<std::uint64_t> calls{0};

Stream* take_free() noexcept {
    for (Stream* stream = all; stream != nullptr; stream = stream->next) {
        bool used = false;
        if (!stream->used && stream->used.compare_exchange_strong(used, true))
            return stream;
    }
    return nullptr;
}

Stream* make_another() noexcept {
    auto* const memory = internal::allocate<Stream>().release(); // for good
    if (memory == nullptr)
        return nullptr;
    auto* const stream = std::construct_at(memory);
    stream->used = true;
    stream->next = all;
    while (!all.compare_exchange_weak(stream->next, stream)) {
    }
    return stream;
}

bool may_be_unknown_to_a_start(const Stream& stream) noexcept {
    const pid_t self = ::getpid();
    for (const Stream* other = all; other != nullptr; other = other->next) {
        if (other != &stream && other->starter == self && other->began <= stream.opened)
            return true;
    }
    return false;
}

} // namespace

Stream* begin() noexcept {
    Stream* stream = take_free();
    if (stream == nullptr)
        stream = make_another();
    if (stream == nullptr)
        return nullptr;
    stream->pid = 0;
    stream->inheritable_later = false;
    stream->began = ++calls;
    stream->starter = ::getpid();
    return stream;
}

void opened(Stream& stream, int descriptor, bool inheritable) noexcept {
    stream.descriptor = descriptor;
    stream.opened = calls;
    stream.starter = 0;
    stream.inheritable_later = inheritable;
    let_inherit(stream);
}

void let_inherit(Stream& stream) noexcept {
    if (!stream.inheritable_later || may_be_unknown_to_a_start(stream))
        return;
    stream.inheritable_later = false;
    ::fcntl(stream.descriptor, F_SETFD, 0);
}

int forget_descriptor(Stream& stream) noexcept {
    return stream.descriptor.exchange(-1);
}

void end(Stream& stream) noexcept {
    stream.starter = 0;
    stream.used = false;
}

Walk::Walk() noexcept : at_(all) {}

int Walk::next() noexcept {
    while (at_ != nullptr) {
        const int descriptor = at_->descriptor;
        at_ = at_->next;
        if (descriptor >= 0)
            return descriptor;
    }
    return -1;
}

} // namespace kspawn::preload::streams
