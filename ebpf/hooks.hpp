// SPDX-License-Identifier: LGPL-2.1-or-later
/// Where in the kernel the probes are, and what is lost without each.
#ifndef KSPAWN_TRACE_HOOKS_HPP
#define KSPAWN_TRACE_HOOKS_HPP

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "events.h"
#include "kinds.hpp"

namespace kspawn::trace {

enum class HookType { entry, exit, probe, tracepoint, module_tracepoint };

struct Hook {
    const char* program; ///< name of the probe
    HookType type;
    const char* target; ///< function or tracepoint
    trace_kind kind;    ///< the kind that needs it
    bool base;          ///< nothing works without it
    const char* effect; ///< what does not work without it
};

/// A hook that is not there.
struct MissingHook {
    const Hook* hook;
    std::string reason;
};

std::span<const Hook> all_hooks();

/// By the name of its function or tracepoint; null: there is none.
const Hook* find_hook(std::string_view target);

/// Whether a trace of these kinds uses it.
bool is_used(const Hook& hook, const Kinds& kinds);

/// As bpftool would write it: "fentry/commit_creds".
std::string place_of(const Hook& hook);

} // namespace kspawn::trace

#endif
