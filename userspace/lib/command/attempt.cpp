// SPDX-License-Identifier: LGPL-2.1-or-later
// From what was said about a program to one call of the C library.
#include <fcntl.h>
#include <kspawn/batch.h>
#include <kspawn/builder.h>
#include <kspawn/spawn_wait.h>
#include <kspawn/state.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>
#include <list>
#include <utility>

#include "../search_list.hpp"
#include "capture_state.hpp"
#include "checked.hpp"
#include "child_state.hpp"
#include "command_state.hpp"
#include "completion_queue_state.hpp"
#include "objects.hpp"
#include "stdio_state.hpp"

namespace kspawn {

namespace {

bool has_nul(std::string_view text) noexcept {
    return text.find('\0') != std::string_view::npos;
}

char* mutable_c_str(const std::string& text) noexcept {
    return const_cast<char*>(text.c_str()); // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

using State = Command::State;
using Kind = Stdio::State::Kind;
using Pipes = decltype(Child::State::pipes);

/// The description of a descriptor of the child.
const Stdio::State& what_of(const Stdio& stdio) noexcept {
    return internal::Access::state(stdio);
}

bool is_pipe(Kind kind) noexcept {
    return kind == Kind::pipe || kind == Kind::pipe_to || kind == Kind::pipe_from;
}

/// Holds what one start needs, for as long as it takes.
class Attempt {
public:
    Attempt(const State& command, internal::Failure& failure)
        : command_(command), failure_(failure) {}

    /// Makes all that a start needs.  Returns whether that could be done.
    bool prepare() {
        // A program that starts children reaps those it has let go of by that.
        internal::reap_some_abandoned();
        make_arguments();
        make_environment();
        make_attributes();
        make_actions();
        return !failed();
    }

    Child spawn() {
        auto state = std::make_unique<Child::State>();
        int pidfd = -1;
        const int error =
            kspawn_spawn_search_np(&state->pid, &pidfd, program(), search(), actions_.get(),
                                   &attributes_, arguments_.data(), environment_);
        return child_of(error, std::move(state), pidfd);
    }

    /// Makes the child of a builder what was said.
    void apply_to(int builder) {
        const int error = kspawn_builder_apply_np(builder, actions_.get(), &attributes_);
        if (error != 0)
            explain(error);
    }

    /// Executes the program in the child of a builder, which is what it is to be.
    Child start_in(int builder) {
        auto state = std::make_unique<Child::State>();
        int pidfd = -1;
        const int error =
            kspawn_builder_start_np(builder, &state->pid, &pidfd, program(), search(), nullptr,
                                    nullptr, arguments_.data(), environment_);
        return child_of(error, std::move(state), pidfd);
    }

    /// Makes all that a tool call needs.  `call` and `input` must live until it is over.
    bool prepare(kspawn_capture& call, const std::string& input) {
        capture_ = &call;
        call.flags = KSPAWN_CAPTURE_INHERIT;
        if (!prepare())
            return false;
        call.file = program();
        call.search = search();
        call.argv = arguments_.data();
        call.envp = environment_;
        call.file_actions = actions_.get();
        call.attributes = &attributes_;
        if (command_.input && (call.flags & KSPAWN_CAPTURE_KEEP_STDIN) == 0) {
            call.input_data = input.data();
            call.input_size = input.size();
        }
        call.out_max = command_.out_limit;
        call.err_max = command_.err_limit;
        call.time_limit_ms = command_.time_limit_ms;
        call.grace_ms = command_.grace_ms;
        call.cgroup = command_.tree;
        if (command_.tree == State::impossible)
            fail(EBADF, "cgroup of the tree");
        return !failed();
    }

    /// This start as one of a batch.
    kspawn_batch_start as_start() {
        kspawn_batch_start start{};
        start.file = program();
        start.search = search();
        start.file_actions = actions_.get();
        start.attributes = &attributes_;
        start.argv = arguments_.data();
        start.envp = environment_;
        return start;
    }

    /// The child of a start of a batch.
    Child child_of_batch(const kspawn_result& result, std::unique_ptr<Child::State> state) {
        state->pid = result.pid;
        return child_of(0, std::move(state), result.pidfd);
    }

    /// Whether nobody but the child has anything to do until it has ended.
    [[nodiscard]] bool can_wait_in_call() const noexcept { return pipes_.empty(); }

    /// Starts it and waits for it, in one call if nobody has to close a pipe before that and
    /// no signal ends it.  The pidfd is the caller's.
    ExitStatus spawn_and_wait(pid_t& pid, int& pidfd, std::error_code& error) {
        if (!can_wait_in_call())
            return spawn_and_close_and_wait(pid, pidfd, error);
        int status = 0;
        const int number =
            kspawn_spawn_wait_np(&pid, &pidfd, &status, nullptr, program(), search(),
                                 actions_.get(), &attributes_, arguments_.data(), environment_);
        if (number == 0)
            return ExitStatus(status);
        if (kspawn_last_failure()->step != KSPAWN_STEP_WAIT) {
            explain(number);
            return ExitStatus();
        }
        return wait_for(pid, pidfd, error);
    }

    /// Returns the child's process ID, or 0.
    pid_t spawn_async(CompletionQueue::State& queue, std::uint64_t cookie) {
        CompletionQueue::Operation operation;
        operation.program = command_.program;
        if (search() != nullptr)
            operation.search = search();
        operation.attributes = attributes_;
        auto state = std::make_unique<Child::State>();
        pid_t pid = 0;
        int pidfd = -1;
        const int error =
            kspawn_spawn_async_np(&pid, &pidfd, queue.descriptor(), cookie, program(), search(),
                                  actions_.get(), &attributes_, arguments_.data(), environment_);
        if (error != 0) {
            explain(error);
            return 0;
        }
        state->pid = pid;
        state->pidfd = FileDescriptor(pidfd);
        state->pipes = our_ends();
        operation.child = internal::Access::make<Child>(std::move(state));
        operation.actions = std::move(actions_);
        queue.started(cookie, std::move(operation));
        // From here on the command may be gone.
        return pid;
    }

private:
    [[nodiscard]] bool failed() const noexcept { return failure_.error != 0; }
    [[nodiscard]] const char* program() const noexcept { return command_.program.c_str(); }
    [[nodiscard]] const char* search() const noexcept { return command_.search_list(); }

    void fail(int error, std::string what, unsigned attribute = 0) {
        if (!failed())
            failure_.prepare(error, std::move(what), attribute);
    }

    void refuse_nul(std::string_view text, const char* what) {
        if (has_nul(text))
            fail(EINVAL, std::string(what) + " with a NUL character");
    }

    void make_arguments() {
        refuse_nul(command_.program, "program");
        const auto& first = command_.arg0.value_or(command_.program);
        refuse_nul(first, "argument 0");
        refuse_nul(command_.search.value_or(""), "search list");
        arg0_ = first;
        arguments_.push_back(arg0_.data());
        for (const auto& argument : command_.args) {
            refuse_nul(argument, "argument");
            arguments_.push_back(mutable_c_str(argument));
        }
        arguments_.push_back(nullptr);
    }

    void make_environment() {
        if (!command_.env_clear && command_.env.empty()) {
            environment_ = environ;
            return;
        }
        for (char** entry = environ; !command_.env_clear && entry != nullptr && *entry != nullptr;
             ++entry) {
            const std::string name(*entry, std::strcspn(*entry, "="));
            if (!command_.env.contains(name))
                variables_.push_back(*entry);
        }
        own_variables_.reserve(command_.env.size());
        for (const auto& [name, value] : command_.env) {
            if (name.empty() || name.find('=') != std::string::npos)
                fail(EINVAL, "environment variable \"" + name + "\"");
            refuse_nul(name, "environment variable");
            if (!value)
                continue;
            refuse_nul(*value, "environment variable");
            own_variables_.push_back(name + "=" + *value);
            variables_.push_back(own_variables_.back().data());
        }
        variables_.push_back(nullptr);
        environment_ = variables_.data();
    }

    void make_attributes() {
        attributes_ = command_.attributes;
        if (command_.wrong_policy)
            fail(EINVAL, "scheduling policy " + std::to_string(*command_.wrong_policy),
                 KSPAWN_SPAWN_SETSCHEDULER);
        if (!command_.cgroup)
            return;
        refuse_nul(command_.cgroup->native(), "cgroup");
        cgroup_ =
            FileDescriptor(::open(command_.cgroup->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!cgroup_)
            fail(errno, "cgroup " + command_.cgroup->native(), KSPAWN_SPAWN_SETCGROUP);
        kspawn_spawnattr_setcgroup_np(&attributes_, cgroup_.get());
    }

    // The child's numbers may be set in any order: no source of a duplicate is a number
    // that something else is put on.
    void make_actions() {
        for (const auto& [number, stdio] : command_.descriptors) {
            const auto& what = what_of(stdio);
            if (number < 0) {
                fail(EINVAL, "descriptor " + std::to_string(number));
                return;
            }
            put(number, what);
            // Not [&] alone: clang 14 captures no structured binding.
            check([&what, number = number] { return words_of(number, what); });
        }
        for (const auto& setting : command_.settings) {
            const int number = setting.descriptor == State::unsaid ? State::unsaid
                                                                   : source(setting.descriptor, -1);
            actions_.add([&](auto* actions) { return setting.add(actions, number); });
            check([&setting] { return setting.words; });
        }
        if (command_.directory) {
            refuse_nul(command_.directory->native(), "directory");
            actions_.chdir(command_.directory->c_str());
            check([] { return std::string("working directory"); });
        } else if (command_.directory_descriptor != State::unsaid) {
            actions_.fchdir(source(command_.directory_descriptor, -1));
            check([] { return std::string("descriptor of the working directory"); });
        }
        if (command_.terminal != State::unsaid) {
            actions_.tcsetpgrp(source(command_.terminal, -1));
            check([] { return std::string("descriptor of the terminal"); });
        }
        for (const auto& [number, stdio] : command_.descriptors)
            if (what_of(stdio).kind == Kind::same_as)
                put_same(number, what_of(stdio));
        if (command_.close_from != State::unsaid)
            actions_.closefrom(command_.close_from);
        check([] { return std::string("lowest descriptor to close"); });
        if (command_.close_from_except)
            actions_.add([&](auto* actions) {
                const auto& [lowest, kept] = *command_.close_from_except;
                return kspawn_spawn_file_actions_addclose_except_np(actions, lowest, INT_MAX,
                                                                    kept.data(), kept.size());
            });
        check([] { return std::string("descriptors to keep"); });
        if (command_.close_others)
            close_others();
        check([] { return std::string("descriptors to close"); });
    }

    static std::string words_of(int number, const Stdio::State& what) {
        auto words = "descriptor " + std::to_string(number);
        if (what.kind == Kind::descriptor || what.kind == Kind::same_as)
            words += " from descriptor " + std::to_string(what.number);
        return words;
    }

    /// Whether the last action could be added; words() say what it was for.
    template <class Words>
    void check(Words words) {
        if (actions_.error() == 0 || failed())
            return;
        // The only one that is about a descriptor.
        const char* const cause =
            actions_.error() == EBADF ? ", negative or above the limit (RLIMIT_NOFILE)" : "";
        fail(actions_.error(), words() + cause);
    }

    void put(int number, const Stdio::State& what) {
        if (capture_ != nullptr && put_captured(number, what))
            return;
        switch (what.kind) {
        case Kind::inherit:
            // That one of the first three is not open in the caller is no error.
            if (number > 2)
                actions_.dup2(number, number);
            break;
        case Kind::if_open:
            actions_.inherit(number);
            break;
        case Kind::closed:
            actions_.close(number);
            break;
        case Kind::file:
            refuse_nul(what.path.native(), "path");
            actions_.open(number, what.path.c_str(), what.oflag, what.mode);
            break;
        case Kind::descriptor:
            actions_.dup2(source(what.number, number), number);
            break;
        case Kind::same_as:  // when the others are there
        case Kind::contents: // of a tool call alone, which has them
        case Kind::given:
            break;
        case Kind::pipe:
            put_pipe(number, number == 0);
            break;
        case Kind::pipe_to:
            put_pipe(number, true);
            break;
        case Kind::pipe_from:
            put_pipe(number, false);
            break;
        }
    }

    void put_same(int number, const Stdio::State& what) {
        const int original = what.number;
        const auto found = command_.descriptors.find(original);
        if (found != command_.descriptors.end() && what_of(found->second).kind == Kind::same_as) {
            fail(EINVAL, "descriptor " + std::to_string(number) + " same as " +
                             std::to_string(original) + ", which is the same as another");
            return;
        }
        actions_.dup2(original, number);
        check([&] { return words_of(number, what); });
    }

    // Whether the call has it for what it collects, or passes on.
    bool put_captured(int number, const Stdio::State& what) {
        static constexpr unsigned keeps[] = {KSPAWN_CAPTURE_KEEP_STDIN, KSPAWN_CAPTURE_KEEP_STDOUT,
                                             KSPAWN_CAPTURE_KEEP_STDERR};
        const auto kind = what.kind;
        if (!is_pipe(kind)) {
            if (number > 2)
                return false;
            const bool of_call = number == 0 && kind == Kind::contents;
            if (!of_call)
                capture_->flags |= keeps[number];
            return of_call;
        }
        if (number > 2 || kind == (number == 0 ? Kind::pipe_from : Kind::pipe_to))
            fail(EINVAL, "pipe for descriptor " + std::to_string(number) + ", which nobody serves");
        else if (number == 0)
            capture_->flags |= KSPAWN_CAPTURE_PIPE_INPUT;
        return true;
    }

    void put_pipe(int number, bool to_child) {
        our_ends_.emplace_back(number, FileDescriptor());
        pipes_.push_back({number, actions_.count(), -1});
        actions_.pipe(number, to_child ? O_RDONLY : O_WRONLY, &pipes_.back().end);
    }

    // A number by which the child has this descriptor of the caller's at all
    // times: the descriptor itself, unless its number is one that something is put
    // on, or else a duplicate.
    int source(int descriptor, int target) {
        if (descriptor == target || !command_.says(descriptor))
            return descriptor;
        int lowest = 0;
        for (;;) {
            const int duplicate = ::fcntl(descriptor, F_DUPFD_CLOEXEC, lowest);
            if (duplicate < 0) {
                fail(errno, "descriptor " + std::to_string(descriptor));
                return descriptor;
            }
            held_.emplace_back(duplicate);
            if (!command_.says(duplicate))
                return duplicate;
            lowest = duplicate + 1;
        }
    }

    void close_others() {
        int next = 3;
        for (const auto& [number, what] : command_.descriptors) {
            if (next < number)
                actions_.close_range(next, number - 1);
            next = std::max(next, number + 1);
        }
        actions_.closefrom(next);
    }

    Child child_of(int error, std::unique_ptr<Child::State> state, int pidfd) {
        if (error != 0) {
            explain(error);
            return {};
        }
        state->pidfd = FileDescriptor(pidfd);
        state->pipes = our_ends();
        return internal::Access::make<Child>(std::move(state));
    }

    static ExitStatus wait_for(pid_t pid, int pidfd, std::error_code& error) {
        Child::State state;
        state.pid = pid;
        state.pidfd = FileDescriptor(pidfd);
        state.reap(0, error);
        static_cast<void>(state.pidfd.release());
        return state.status.value_or(ExitStatus());
    }

    // Nobody reads or writes our ends of the pipes.
    ExitStatus spawn_and_close_and_wait(pid_t& pid, int& pidfd, std::error_code& error) {
        const int number = kspawn_spawn_search_np(&pid, &pidfd, program(), search(), actions_.get(),
                                                  &attributes_, arguments_.data(), environment_);
        if (number != 0) {
            explain(number);
            return ExitStatus();
        }
        our_ends().clear();
        return wait_for(pid, pidfd, error);
    }

    // After a start that has succeeded.
    Pipes our_ends() {
        auto end = our_ends_.begin();
        for (const auto& pipe : pipes_)
            (end++)->second = FileDescriptor(pipe.end);
        pipes_.clear();
        return std::move(our_ends_);
    }

    // That there is no descriptor for a pipe is no matter of the child's.
    void explain(int error) {
        auto failed = internal::last_failure(error);
        for (const auto& pipe : pipes_)
            if (failed.step == Step::action && failed.index == pipe.index &&
                (error == EMFILE || error == ENFILE))
                failed = {error, Step::prepare, 0,
                          "pipe for descriptor " + std::to_string(pipe.number)};
        failure_.take(std::move(failed));
    }

    struct Pipe {
        int number;     // the child's
        unsigned index; // of its action
        int end;        // ours; -1: none yet
    };

    const State& command_;
    internal::Failure& failure_;
    kspawn_capture* capture_ = nullptr; // of a tool call
    std::string arg0_;
    std::vector<char*> arguments_;
    std::vector<std::string> own_variables_;
    std::vector<char*> variables_;
    char** environment_ = nullptr;
    kspawn_spawnattr_t attributes_{};
    internal::FileActions actions_;
    FileDescriptor cgroup_;
    std::vector<FileDescriptor> held_; // closed when the child has them
    std::list<Pipe> pipes_;            // where the start stores our ends
    Pipes our_ends_;                   // with room for them: after the start nothing fails
};

} // namespace

// So that each of them has something said about it, as source() wants to know.
State Command::State::for_capture() const {
    State state = *this;
    if (!says(0))
        state.put(0, Stdio::State::of_kind(Kind::contents));
    for (const int number : {1, 2})
        if (!says(number))
            state.put(number, Stdio::pipe());
    return state;
}

Output Command::capture(std::error_code& error) const {
    internal::Failure failure;
    const auto output = state_->capture(failure);
    error = internal::error_of(failure.error);
    return output;
}

Output Command::capture() const {
    internal::Failure failure;
    auto output = state_->capture(failure);
    failure.throw_if_any();
    return output;
}

Output Command::check_capture() const {
    auto output = capture();
    if (!output.status.success() || output.timed_out)
        throw ExitError(program(), std::move(output));
    return output;
}

Output Command::State::capture(Failure& failure) const {
    kspawn_capture call = KSPAWN_CAPTURE_INIT;
    const State command = for_capture();
    Attempt attempt(command, failure);
    static const std::string nothing;
    if (!attempt.prepare(call, command.input ? *command.input : nothing))
        return {};
    internal::Captured captured;
    if (const int error = kspawn_capture_np(&call, captured.get()); error != 0)
        failure.take(internal::last_failure(error));
    return captured.to_output();
}

Capture Command::start_capture() const {
    internal::Failure failure;
    const State command = state_->for_capture();
    Attempt attempt(command, failure);
    auto state = std::make_unique<Capture::State>();
    state->input = command.input.value_or(std::string());
    if (attempt.prepare(state->call, state->input)) {
        if (const int error = state->begin(); error != 0)
            failure.take(internal::last_failure(error));
    }
    failure.throw_if_any();
    return internal::Access::make<Capture>(std::move(state));
}

Child Command::State::start(Failure& failure) const {
    Attempt attempt(*this, failure);
    return attempt.prepare() ? attempt.spawn() : Child();
}

bool Command::State::has_pipes() const noexcept {
    return std::any_of(descriptors.begin(), descriptors.end(), [](const auto& descriptor) {
        return is_pipe(what_of(descriptor.second).kind);
    });
}

namespace {

// Whether the last failure is that all or none cannot be promised.
bool libc_cannot_start_all() noexcept {
    const kspawn_failure* const failure = kspawn_last_failure();
    return failure->step == KSPAWN_STEP_BATCH && failure->index == KSPAWN_BATCH_ALL_OR_NONE;
}

} // namespace

std::vector<Child> Command::State::start_batch(const std::vector<Command>& commands, unsigned flags,
                                               Failure& failure) {
    std::deque<Attempt> attempts; // which stay where they are
    std::vector<kspawn_batch_start> starts;
    std::vector<std::unique_ptr<Child::State>> states;
    for (const auto& command : commands) {
        if (!attempts.emplace_back(internal::Access::state(command), failure).prepare()) {
            failure.words = "start " + std::to_string(attempts.size() - 1) + ": " + failure.words;
            return {};
        }
        starts.push_back(attempts.back().as_start());
        states.push_back(std::make_unique<Child::State>());
    }
    std::vector<Child> children;
    children.reserve(starts.size());
    const auto call = [&starts](unsigned how) {
        return kspawn_spawn_batch_np(starts.data(), starts.size(), how | KSPAWN_BATCH_PIDFDS,
                                     nullptr);
    };
    int error = call(flags | KSPAWN_BATCH_ALL_OR_NONE);
    if (error == ENOTSUP && (flags & KSPAWN_BATCH_ALL_OR_NONE) == 0 && libc_cannot_start_all()) {
        // If one fails, nobody is to wait for the others to end by themselves.
        flags &= ~static_cast<unsigned>(KSPAWN_BATCH_WAIT);
        error = call(flags);
    }
    if (error != 0 && kspawn_last_failure()->step != KSPAWN_STEP_WAIT)
        failure.take(internal::last_failure(error));
    const bool waited = (flags & KSPAWN_BATCH_WAIT) != 0;
    for (std::size_t index = 0; index < starts.size(); ++index) {
        const auto& result = starts[index].result;
        const bool is_told = result.error == 0;
        if (result.pid == 0 || (!is_told && result.step != KSPAWN_STEP_WAIT))
            continue;
        if (waited && is_told)
            states[index]->status = ExitStatus(result.status);
        children.push_back(attempts[index].child_of_batch(result, std::move(states[index])));
    }
    return children;
}

void Command::State::apply_to(int builder, Failure& failure) const {
    Attempt attempt(*this, failure);
    if (attempt.prepare())
        attempt.apply_to(builder);
}

Child Command::State::start_in(int builder, Failure& failure) const {
    Attempt attempt(*this, failure);
    return attempt.prepare() ? attempt.start_in(builder) : Child();
}

std::optional<ExitStatus> Command::State::start_and_wait(Child& child, Failure& failure,
                                                         std::error_code& error) const {
    Attempt attempt(*this, failure);
    if (!attempt.prepare())
        return ExitStatus();
    if (attempt.can_wait_in_call()) {
        pid_t pid = 0;
        int number = -1;
        const auto status = attempt.spawn_and_wait(pid, number, error);
        FileDescriptor{number}.close();
        return status;
    }
    child = attempt.spawn();
    if (failure.error != 0)
        return ExitStatus();
    std::erase_if(internal::Access::state(child).pipes,
                  [](const auto& pipe) { return pipe.first > 2; });
    return std::nullopt;
}

ExitStatus Command::State::start_and_wait(pid_t& pid, int& pidfd, Failure& failure,
                                          std::error_code& error) const {
    Attempt attempt(*this, failure);
    if (!attempt.prepare())
        return ExitStatus();
    return attempt.spawn_and_wait(pid, pidfd, error);
}

pid_t Command::State::start_async(CompletionQueue::State& queue, std::uint64_t cookie,
                                  Failure& failure) const {
    internal::Registration registration(queue, cookie);
    Attempt attempt(*this, failure);
    const pid_t pid = attempt.prepare() ? attempt.spawn_async(queue, cookie) : 0;
    if (pid != 0)
        registration.keep();
    return pid;
}

const char* Command::State::search_list() const noexcept {
    if (!searches_path)
        return search ? search->c_str() : nullptr;
    const auto said = env.find("PATH");
    if (said != env.end() && said->second)
        return said->second->c_str();
    return said != env.end() || env_clear ? internal::default_search_list : internal::search_list();
}

} // namespace kspawn
