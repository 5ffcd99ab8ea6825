// SPDX-License-Identifier: LGPL-2.1-or-later
/// The probes in the kernel, for as long as the object lives.
#ifndef KSPAWN_TRACE_SESSION_HPP
#define KSPAWN_TRACE_SESSION_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "events.h"
#include "kind.hpp"
#include "options.hpp"
#include "outcome.hpp"

struct bpf_link;
struct bpf_program;
struct btf;
struct kspawn_trace;
struct ring_buffer;

namespace kspawn::trace {

/// It cannot be traced here; what() says why, and what to do.
class CannotTrace : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Probes are attached by links, which are descriptors of this process: they
/// go with it, however it ends.
class Session {
public:
    /// Takes a record; only valid during the call.
    using Consumer = std::function<void(const void* record, std::size_t size)>;

    /// Loads the probes.  Throws CannotTrace if the kernel does not let us, or lacks what
    /// all rests on; what else it lacks is in missing().  Throws UsageError if the options
    /// name a probe that there is not.
    Session(const Options& options, Consumer consumer);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    Session(Session&&) = delete;
    Session& operator=(Session&&) = delete;
    ~Session();

    /// From now on records come.
    void attach();
    /// From now on none do; those that are there can still be consumed.
    void detach();

    /// Whether one that is followed has not ended.
    [[nodiscard]] bool follows_any() const;

    /// Readable when many records wait.
    [[nodiscard]] int descriptor() const;
    /// Gives what there is to the consumer.
    void consume();
    /// Forgets what can no longer matter; to be called now and then.
    void tidy(std::uint64_t now);

    /// Windows that are open.
    [[nodiscard]] std::vector<trace_window> open_windows() const;
    [[nodiscard]] Losses losses() const;
    [[nodiscard]] const std::vector<MissingProbe>& missing() const { return missing_; }

private:
    struct Delete {
        void operator()(kspawn_trace* skeleton) const noexcept;
        void operator()(ring_buffer* ring) const noexcept;
        void operator()(bpf_link* link) const noexcept;
    };
    /// A probe that a kind needs.
    struct Wanted {
        const Probe* probe;
        bpf_program* program;
        std::unique_ptr<char[]> log; ///< the kernel's words, should it not take the program
        std::unique_ptr<bpf_link, Delete> link;
    };

    void open(const Options& options);
    /// The BPF program that is loaded for a probe.
    [[nodiscard]] bpf_program* program_of(const Probe& probe, const btf* types) const;
    void follow(std::uint32_t pid);
    void choose_programs(const Options& options);
    void forget(const Wanted& wanted, const std::string& reason);
    /// Leaves out those that are not run where they should be.
    void test_probes();
    [[nodiscard]] std::uint64_t count_missed() const;

    Consumer consumer_;
    Kinds kinds_;
    std::uint64_t fd_gap_;
    bool preemptible_; ///< the kernel
    std::unique_ptr<kspawn_trace, Delete> skeleton_;
    std::unique_ptr<ring_buffer, Delete> ring_;
    std::vector<Wanted> wanted_;
    std::vector<MissingProbe> missing_;
    std::uint64_t missed_ = 0;
};

} // namespace kspawn::trace

#endif
