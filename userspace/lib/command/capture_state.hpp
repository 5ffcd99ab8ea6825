// SPDX-License-Identifier: LGPL-2.1-or-later
/// The C library's tool call, held by C++.
#ifndef KSPAWN_LIB_COMMAND_CAPTURE_STATE_HPP
#define KSPAWN_LIB_COMMAND_CAPTURE_STATE_HPP

#include <kspawn/capture.h>

#include <string>

#include <kspawn/capture.hpp>

namespace kspawn {

struct KSPAWN_HIDDEN Capture::State {
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    State(State&&) = delete;
    State& operator=(State&&) = delete;
    ~State();

    int begin() noexcept;

    kspawn_capture call = KSPAWN_CAPTURE_INIT; // what is read of it until the end stays here
    std::string input;
    kspawn_capturing* capturing = nullptr;
};

namespace internal {

/// A result, and what it owns.
class Captured {
public:
    Captured() { object_.usage = &usage_; }
    Captured(const Captured&) = delete;
    Captured& operator=(const Captured&) = delete;
    Captured(Captured&&) = delete;
    Captured& operator=(Captured&&) = delete;
    ~Captured() { kspawn_captured_free_np(&object_); }

    [[nodiscard]] kspawn_captured* get() noexcept { return &object_; }
    [[nodiscard]] Output to_output() const {
        Output output;
        if (object_.status != -1)
            output.status = ExitStatus(object_.status);
        if (object_.out != nullptr)
            output.out.assign(object_.out, object_.out_size);
        if (object_.err != nullptr)
            output.err.assign(object_.err, object_.err_size);
        output.timed_out = (object_.flags & KSPAWN_CAPTURED_TIMED_OUT) != 0;
        output.truncated =
            object_.out_total > object_.out_size || object_.err_total > object_.err_size;
        output.usage = usage_;
        return output;
    }

private:
    struct rusage usage_ {};
    kspawn_captured object_ = KSPAWN_CAPTURED_INIT;
};

} // namespace internal

} // namespace kspawn

#endif
