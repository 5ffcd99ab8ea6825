// SPDX-License-Identifier: LGPL-2.1-or-later
// A batch through libc: pipes of the caller's, and one start after the other.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "batch.hpp"
#include "cancel_guard.hpp"
#include "completion.hpp"
#include "descriptor.hpp"
#include "errno_guard.hpp"
#include "file_actions.hpp"
#include "memory.hpp"
#include "signals_blocked.hpp"

namespace kspawn::internal {

namespace {

constexpr unsigned known_flags =
    KSPAWN_BATCH_ALL_OR_NONE | KSPAWN_BATCH_PIPES | KSPAWN_BATCH_PGROUP;

struct Ends {
    Descriptor reader;
    Descriptor writer;
};

// Above the numbers that the child is given: dup2() onto one end must not close the other.
int move_up(Descriptor& end) noexcept {
    if (end.get() > STDERR_FILENO)
        return 0;
    Descriptor moved{::fcntl(end.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
    if (!moved)
        return errno;
    end = std::move(moved);
    return 0;
}

int make_pipe(Ends& ends) noexcept {
    int numbers[2];
    if (::pipe2(numbers, O_CLOEXEC) != 0)
        return errno;
    ends = {Descriptor{numbers[0]}, Descriptor{numbers[1]}};
    const int error = move_up(ends.reader);
    return error != 0 ? error : move_up(ends.writer);
}

/// File actions with the ends of pipes before those of a start.
class Connected {
public:
    /// Descriptors of the caller, or -1.  Returns whether there was memory.
    bool make(const kspawn_spawn_file_actions_t* said, int input, int output) noexcept {
        if (said != nullptr)
            object_ = *said;
        else
            kspawn_spawn_file_actions_init(&object_);
        if (!add(input, STDIN_FILENO) || !add(output, STDOUT_FILENO))
            return false;
        shift_ = static_cast<unsigned>(actions_.all().size());
        if (said != nullptr)
            for (const auto& action : file_actions::actions_of(*said))
                if (!actions_.push(action))
                    return false;
        object_.private_members.actions = actions_.all().data();
        object_.private_members.count = static_cast<unsigned>(actions_.all().size());
        return true;
    }
    [[nodiscard]] const kspawn_spawn_file_actions_t* get() const noexcept { return &object_; }
    /// How many there are before those of the start.
    [[nodiscard]] unsigned shift() const noexcept { return shift_; }

private:
    bool add(int from, int to) noexcept {
        return from < 0 || actions_.push(file_actions::make(KSPAWN_ACTION_DUP2, from, to));
    }

    kspawn_spawn_file_actions_t object_{}; // owns nothing of its own
    List<kspawn_action> actions_;
    unsigned shift_ = 0;
};

/// The starts, in their order.
class Starter {
public:
    explicit Starter(const Batch& batch, const sigset_t* mask) noexcept
        : batch_(batch), mask_(mask) {}

    Result start(std::size_t index) noexcept {
        Ends ends;
        Descriptor input = std::exchange(input_, {});
        const bool pipes = (batch_.flags & KSPAWN_BATCH_PIPES) != 0;
        // The pipe that could not be made for the one before is missing here, too.
        int error = std::exchange(no_input_, 0);
        if (error == 0 && pipes && index + 1 < batch_.starts.size()) {
            error = make_pipe(ends);
            no_input_ = error;
        }
        if (error != 0)
            return Result::failed(error, KSPAWN_STEP_BATCH, KSPAWN_BATCH_PIPES);
        input_ = std::move(ends.reader);

        auto request = batch_.request(index);
        kspawn_spawnattr_t attributes;
        if (request.attributes != nullptr)
            attributes = *request.attributes;
        else
            kspawn_spawnattr_init(&attributes);
        set(attributes);
        request.attributes = &attributes;
        Connected connected;
        if (!connected.make(request.file_actions, input.get(), ends.writer.get()))
            return Result::failed(ENOMEM, KSPAWN_STEP_COPY, KSPAWN_ARG_ACTIONS);
        request.file_actions = connected.get();
        auto result = start_by_libc(request);
        said_by_starts(result, connected.shift());
        if (result.error == 0 && leader_ == 0)
            leader_ = result.pid;
        return result;
    }

private:
    void set(kspawn_spawnattr_t& attributes) const noexcept {
        auto& own = attributes.private_members;
        if ((batch_.flags & KSPAWN_BATCH_PGROUP) != 0) {
            own.flags |= KSPAWN_SPAWN_SETPGROUP;
            own.pgroup = leader_;
        }
        if (mask_ != nullptr && (own.flags & KSPAWN_SPAWN_SETSIGMASK) == 0) {
            own.flags |= KSPAWN_SPAWN_SETSIGMASK;
            kspawn_spawnattr_setsigmask(&attributes, mask_);
        }
    }

    // The actions that connect the pipes are none of the caller's.
    static Suspect without(unsigned added, Suspect step) noexcept {
        if (step.step != KSPAWN_STEP_ACTION)
            return step;
        if (step.index < added)
            return {KSPAWN_STEP_BATCH, KSPAWN_BATCH_PIPES};
        return {step.step, step.index - added};
    }
    void said_by_starts(Result& result, unsigned added) noexcept {
        const auto step = without(added, {result.step, result.index});
        result.step = step.step;
        result.index = step.index;
        if (result.suspects == nullptr)
            return;
        suspects_ = {};
        for (const auto& suspect : result.suspects->known())
            suspects_.add(without(added, suspect));
        while (suspects_.count() < result.suspects->count())
            suspects_.add({}); // more than are known
        result.suspects = &suspects_;
    }

    const Batch& batch_;
    const sigset_t* mask_; // of the caller; null: the thread has it
    Descriptor input_;
    int no_input_ = 0;
    pid_t leader_ = 0;
    Suspects suspects_; // of the last start
};

void keep(const Batch& batch, std::size_t index, const Result& result) noexcept {
    batch.starts[index].result = static_cast<const kspawn_result&>(result);
}

bool sets_group(const kspawn_batch_start& start) noexcept {
    return start.attributes != nullptr && (start.attributes->private_members.flags &
                                           (KSPAWN_SPAWN_SETPGROUP | KSPAWN_SPAWN_SETSID)) != 0;
}

// The error that is known before there is a child.
Outcome check(const Batch& batch) noexcept {
    if ((batch.flags & KSPAWN_BATCH_ALL_OR_NONE) != 0)
        return Outcome::of_all(
            Result::failed(ENOTSUP, KSPAWN_STEP_BATCH, KSPAWN_BATCH_ALL_OR_NONE));
    if ((batch.flags & ~known_flags) != 0)
        return Outcome::of_all(Result::failed(EINVAL, KSPAWN_STEP_COPY, KSPAWN_ARG_ARGS));
    Outcome outcome;
    if ((batch.flags & KSPAWN_BATCH_PGROUP) != 0)
        for (std::size_t index = 0; index < batch.starts.size(); ++index)
            if (sets_group(batch.starts[index]))
                outcome.note(index,
                             Result::failed(EINVAL, KSPAWN_STEP_COPY, KSPAWN_ARG_ATTRIBUTES));
    if (outcome.first.error != 0)
        keep(batch, outcome.failed, outcome.first);
    return outcome;
}

Outcome start_all(const Batch& batch, const sigset_t* mask) noexcept {
    Outcome outcome;
    Starter starter{batch, mask};
    for (std::size_t index = 0; index < batch.starts.size(); ++index) {
        const auto result = starter.start(index);
        keep(batch, index, result);
        outcome.note(index, result);
    }
    return outcome;
}

void post_events(const Batch& batch) noexcept {
    for (const auto& start : batch.starts)
        if (start.result.error == 0)
            completion::post(batch.completion, {.cookie = start.cookie,
                                                .pid = start.result.pid,
                                                .error = 0,
                                                .step = KSPAWN_STEP_NONE,
                                                .index = 0});
}

Outcome start_and_post(const Batch& batch) noexcept {
    const auto refuse = [](int error) {
        return Outcome::of_all(Result::failed(error, KSPAWN_STEP_COPY, KSPAWN_ARG_COMPLETION));
    };
    if (!completion::is_of_libc(batch.completion))
        return refuse(EBADF);
    if (!completion::has_room(batch.completion, batch.starts.size()))
        return refuse(EAGAIN);
    auto outcome = start_all(batch, nullptr);
    post_events(batch);
    return outcome;
}

void wait_for_all(const Batch& batch, Outcome& outcome) noexcept {
    const ErrnoGuard keep_errno;
    const CancelGuard no_cancellation;
    bool interrupted = false;
    for (std::size_t index = 0; index < batch.starts.size(); ++index) {
        auto& start = batch.starts[index];
        if (start.result.error != 0)
            continue;
        const auto waited =
            ::wait4(start.result.pid, &start.result.status, interrupted ? WNOHANG : 0, start.usage);
        if (waited > 0)
            continue;
        // After an interruption those that have ended are still told of.
        const int error = waited < 0 ? errno : EINTR;
        interrupted = interrupted || error == EINTR;
        start.result.error = error;
        start.result.step = KSPAWN_STEP_WAIT;
        outcome.note(index, Result::failed(error, KSPAWN_STEP_WAIT));
    }
}

Outcome start_and_wait(const Batch& batch) noexcept {
    Outcome outcome;
    const SigchldBlocked no_sigchld;
    {
        const AllBlocked blocked;
        outcome = start_all(batch, &no_sigchld.before());
    }
    wait_for_all(batch, outcome);
    return outcome;
}

} // namespace

Outcome batch_by_libc(const Batch& batch) noexcept {
    auto wrong = check(batch);
    if (wrong.first.error != 0)
        return wrong;
    switch (batch.returns) {
    case When::executed:
        break;
    case When::created:
        return start_and_post(batch);
    case When::ended:
        return start_and_wait(batch);
    }
    return start_all(batch, nullptr);
}

} // namespace kspawn::internal
