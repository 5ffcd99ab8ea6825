// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "../broken_pipe_guard.hpp"
#include "../cancel_guard.hpp"
#include "checked.hpp"

namespace kspawn::internal {

namespace {

// Our end has a description of its own: the child's does not become non-blocking.
bool make_non_blocking(const FileDescriptor& pipe) noexcept {
    const int flags = ::fcntl(pipe.get(), F_GETFL);
    return flags >= 0 && ::fcntl(pipe.get(), F_SETFL, flags | O_NONBLOCK) == 0;
}

bool try_again(int error) noexcept {
    return error == EAGAIN || error == EINTR;
}

} // namespace

Transfer::Transfer() : buffer_(65536) {}

void Transfer::write(FileDescriptor& pipe, std::string_view data) {
    if (pipe)
        streams_.push_back({std::move(pipe), data, nullptr});
}

void Transfer::read(FileDescriptor& pipe, std::string& data) {
    if (pipe)
        streams_.push_back({std::move(pipe), {}, &data});
}

void Transfer::run(std::error_code& error) {
    error.clear();
    const CancelGuard no_cancellation;
    const BrokenPipeGuard guard;
    for (auto& stream : streams_)
        if (!make_non_blocking(stream.pipe)) {
            error = last_error();
            return;
        }
    std::vector<pollfd> entries;
    for (;;) {
        std::erase_if(streams_, [](const Stream& stream) {
            return !stream.pipe || (stream.input == nullptr && stream.output.empty());
        });
        if (streams_.empty())
            return;
        entries.clear();
        for (const auto& stream : streams_)
            entries.push_back(
                {.fd = stream.pipe.get(),
                 .events = static_cast<short>(stream.input != nullptr ? POLLIN : POLLOUT),
                 .revents = 0});
        if (::poll(entries.data(), entries.size(), -1) < 0) {
            if (errno == EINTR)
                continue;
            error = last_error();
            return;
        }
        for (std::size_t i = 0; i < entries.size(); ++i) {
            if (entries[i].revents != 0)
                step(streams_[i], error);
            if (error)
                return;
        }
    }
}

void Transfer::step(Stream& stream, std::error_code& error) {
    if (stream.input != nullptr)
        read_some(stream, error);
    else
        write_some(stream, error);
}

void Transfer::write_some(Stream& stream, std::error_code& error) {
    const auto count = ::write(stream.pipe.get(), stream.output.data(), stream.output.size());
    if (count >= 0)
        stream.output.remove_prefix(static_cast<std::size_t>(count));
    else if (errno == EPIPE)
        stream.pipe.close();
    else if (!try_again(errno))
        error = last_error();
}

void Transfer::read_some(Stream& stream, std::error_code& error) {
    const auto count = ::read(stream.pipe.get(), buffer_.data(), buffer_.size());
    if (count > 0)
        stream.input->append(reinterpret_cast<const char*>(buffer_.data()),
                             static_cast<std::size_t>(count));
    else if (count == 0)
        stream.pipe.close();
    else if (!try_again(errno))
        error = last_error();
}

} // namespace kspawn::internal
