// SPDX-License-Identifier: LGPL-2.1-or-later
#include <kspawn/capture.hpp>

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "access.hpp"
#include "capture_state.hpp"
#include "checked.hpp"
#include "failed_step.hpp"

namespace kspawn {

Capture::State::~State() {
    if (capturing != nullptr)
        kspawn_capture_end_np(capturing, nullptr);
}

int Capture::State::begin() noexcept {
    return kspawn_capture_begin_np(&call, &capturing);
}

Capture::Capture(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Capture::Capture(Capture&&) noexcept = default;
Capture& Capture::operator=(Capture&&) noexcept = default;
Capture::~Capture() = default;

int Capture::descriptor() const noexcept {
    return kspawn_capture_descriptor_np(state_->capturing);
}

bool Capture::handle() noexcept {
    return kspawn_capture_handle_np(state_->capturing) == 0;
}

Output Capture::output(std::error_code& error) {
    while (!handle()) {
        epoll_event event{};
        ::epoll_wait(descriptor(), &event, 1, -1);
    }
    internal::Captured captured;
    error = internal::error_of(
        kspawn_capture_end_np(std::exchange(state_->capturing, nullptr), captured.get()));
    return captured.to_output();
}

Output Capture::output() {
    std::error_code error;
    auto output = this->output(error);
    if (error)
        throw internal::last_failure(error.value()).to_error();
    return output;
}

/// The calls by their numbers, in one epoll descriptor.
class KSPAWN_HIDDEN CaptureQueue::State {
public:
    State();

    [[nodiscard]] int descriptor() const noexcept { return epoll_.get(); }
    [[nodiscard]] std::size_t pending() const noexcept { return calls_.size(); }

    std::uint64_t add(const Command& command, CaptureHandler handler);
    void forget(std::uint64_t number) noexcept { calls_.erase(number); }
    std::size_t serve(int timeout);

private:
    struct Call {
        Capture capture;
        CaptureHandler handler;
    };

    FileDescriptor epoll_;
    std::map<std::uint64_t, Call> calls_;
    std::uint64_t last_ = 0;
};

CaptureQueue::State::State() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_)
        throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

std::uint64_t CaptureQueue::State::add(const Command& command, CaptureHandler handler) {
    const auto number = ++last_;
    const auto [place, added] =
        calls_.emplace(number, Call{command.start_capture(), std::move(handler)});
    epoll_event event{.events = EPOLLIN, .data = {.u64 = number}};
    const int descriptor = place->second.capture.descriptor();
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
        const int error = errno;
        calls_.erase(place);
        throw SpawnError(error, Step::capture, KSPAWN_CAPTURE_WAIT, "capture: wait");
    }
    return number;
}

std::size_t CaptureQueue::State::serve(int timeout) {
    std::array<epoll_event, 32> events{};
    const int count =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
    std::size_t over = 0;
    for (int i = 0; i < count; ++i) {
        // A handler may have ended another call meanwhile.
        const auto found = calls_.find(events[static_cast<std::size_t>(i)].data.u64);
        if (found == calls_.end() || !found->second.capture.handle())
            continue;
        auto call = std::move(calls_.extract(found).mapped());
        ++over;
        // The call has its descriptor until it gives its output away.
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, call.capture.descriptor(), nullptr);
        call.handler(std::move(call.capture));
    }
    return over;
}

CaptureQueue::CaptureQueue() : state_(std::make_unique<State>()) {}
CaptureQueue::~CaptureQueue() = default;

int CaptureQueue::descriptor() const noexcept {
    return state_->descriptor();
}

std::size_t CaptureQueue::pending() const noexcept {
    return state_->pending();
}

void CaptureQueue::start(const Command& command, CaptureHandler handler) {
    state_->add(command, std::move(handler));
}

std::size_t CaptureQueue::dispatch() {
    return state_->serve(0);
}

std::size_t CaptureQueue::wait() {
    return state_->pending() == 0 ? 0 : state_->serve(-1);
}

struct KSPAWN_HIDDEN AsyncCapture::State {
    CaptureQueue::State& queue;
    Command command;
    std::uint64_t number = 0; // 0: nothing is under way
    std::optional<Capture> capture{};
};

AsyncCapture Command::capture_async(CaptureQueue& queue) const {
    auto state = std::make_unique<AsyncCapture::State>(
        AsyncCapture::State{.queue = internal::Access::state(queue), .command = *this});
    return internal::Access::make<AsyncCapture>(std::move(state));
}

AsyncCapture::AsyncCapture(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}

AsyncCapture::~AsyncCapture() {
    if (state_->number != 0)
        state_->queue.forget(state_->number);
}

void AsyncCapture::await_suspend(std::coroutine_handle<> waiting) {
    auto& own = *state_;
    own.number = own.queue.add(own.command, [&own, waiting](Capture capture) {
        own.number = 0;
        own.capture.emplace(std::move(capture));
        waiting.resume();
    });
}

Output AsyncCapture::await_resume() {
    return state_->capture->output();
}

} // namespace kspawn
