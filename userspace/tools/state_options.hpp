// SPDX-License-Identifier: LGPL-2.1-or-later
/// The options of `kspawn run` that are about limits, ids, priorities and namespaces.
#ifndef KSPAWN_TOOLS_STATE_OPTIONS_HPP
#define KSPAWN_TOOLS_STATE_OPTIONS_HPP

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace kspawn::tool {

/// An option that was given, and its words.
template <class Value>
struct Said {
    Value value;
    std::string text;
};

/// One of prlimit(1); what is not said remains.
struct Limit {
    int resource;
    std::optional<rlim_t> soft;
    std::optional<rlim_t> hard;
};

/// "+a,-b" of setpriv(1): bits to add to those that there are, and bits to remove.
struct BitChange {
    std::uint64_t added = 0;
    std::uint64_t removed = 0;
    [[nodiscard]] std::uint64_t of(std::uint64_t bits) const { return (bits & ~removed) | added; }
};

/// A file, or those of a process.
struct NamespaceSource {
    std::string file;
    pid_t process;
    int types;
};

struct IoPriority {
    int io_class;
    int level;
};

struct MemoryPolicy {
    int mode;
    std::vector<unsigned> nodes;
};

struct StateOptions {
    std::vector<Said<NamespaceSource>> enter;
    std::optional<Said<int>> unshare; ///< CLONE_NEW*
    std::optional<int> oom_score;
    std::optional<mode_t> umask;
    std::vector<Said<Limit>> limits;
    std::optional<int> nice;
    std::optional<Said<IoPriority>> io_priority;
    std::optional<Said<std::vector<unsigned>>> cpus;
    std::optional<Said<MemoryPolicy>> memory_policy;
    std::optional<std::uint64_t> runtime; ///< of SCHED_DEADLINE, in nanoseconds, as those below
    std::optional<std::uint64_t> deadline;
    std::uint64_t period = 0; ///< 0: the deadline
    bool reset_on_fork = false;
    std::optional<Said<unsigned>> personality; ///< flags to add
    std::optional<unsigned long> timer_slack;  ///< in nanoseconds
    bool subreaper = false;
    bool controlling_terminal = false;
    std::optional<std::string> root;
    std::optional<Said<BitChange>> bounding_set;
    std::optional<Said<BitChange>> secure_bits;
    std::optional<Said<BitChange>> inheritable;
    std::optional<gid_t> group; ///< and no supplementary ones, but for those below
    std::optional<Said<std::vector<gid_t>>> groups;
    std::optional<uid_t> user;
    std::optional<Said<BitChange>> ambient;
    bool no_new_privileges = false;
    std::optional<int> parent_death_signal;
    bool stopped = false;
};

void add_state_options(CLI::App& app, StateOptions& options);

} // namespace kspawn::tool

#endif
