// SPDX-License-Identifier: LGPL-2.1-or-later
/// The start of a captured program: what a struct kspawn_capture asks for, as one request.
#ifndef KSPAWN_LIB_CAPTURE_START_HPP
#define KSPAWN_LIB_CAPTURE_START_HPP

#include <kspawn/capture.h>

namespace kspawn::internal {

/// Our side of a program that runs.  The descriptors are the receiver's; -1: none.
struct CaptureStarted {
    pid_t pid = 0;
    int pidfd = -1;
    int in = -1;
    int out = -1;
    int err = -1;
};

/// Starts it; remembers a failure.  0 or an error number.
int start_captured(const kspawn_capture& call, CaptureStarted& started) noexcept;

/// Remembers a failure at KSPAWN_STEP_CAPTURE; returns the error.
int fail_capture(int error, unsigned index) noexcept;

} // namespace kspawn::internal

#endif
