// SPDX-License-Identifier: LGPL-2.1-or-later
#include "failure.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "attributes.hpp"
#include "device.hpp"
#include "errno_guard.hpp"
#include "file_actions.hpp"
#include "libc_features.hpp"
#include "seccomp.hpp"
#include "suspects.hpp"
#include "words.hpp"

namespace kspawn::internal::failure {

namespace {

// A sentence: the subject, ": ", the error, and the remark.
struct Parts {
    std::array<char, KSPAWN_FAILURE_WORDS_MAX> subject{};
    std::array<char, 128> error{};
    std::array<char, 256> remark{};
};

struct Memory {
    kspawn_failure failure{};
    bool any = false;
    // They are made when the failure happens: later the request is gone.
    Parts parts{};
    // How long the path is of the program that was not found, which is in the subject after
    // `executed`; 0 if there is nothing to look for any more.
    std::size_t missing = 0;
    std::size_t missing_at = 0; // in the subject
    // The results of the two functions that say it in words.
    std::array<char, KSPAWN_FAILURE_WORDS_MAX> sentence{};
    kspawn_words words{};
};

// Zero at first and without a destructor: nothing is run for a thread that
// never fails.
constinit thread_local Memory memory{};

// Two names and all else that a sentence has fit KSPAWN_FAILURE_WORDS_MAX; of several
// suspects with long names the last may be cut.
constexpr std::size_t name_max = 400;

constexpr std::string_view executed = "exec ";

std::string_view name_of(const char* text) noexcept {
    return text == nullptr ? "(null)" : text;
}

// Not strerror(): it may allocate, and need not be thread-safe.
const char* words_of_error(int error, [[maybe_unused]] std::span<char> buffer) noexcept {
#if KSPAWN_LIBC_HAS_STRERRORDESC
    return ::strerrordesc_np(error);
#elif KSPAWN_IS_GLIBC
    return ::strerror_r(error, buffer.data(), buffer.size());
#else
    return ::strerror_r(error, buffer.data(), buffer.size()) == 0 ? buffer.data() : nullptr;
#endif
}

void describe_error(Words& words, int error) noexcept {
    std::array<char, 128> buffer{};
    const char* const description = words_of_error(error, buffer);
    if (description != nullptr)
        words << std::string_view(description);
    else
        words << "error " << error;
}

void describe_part(Words& words, unsigned part) noexcept {
    static constexpr std::array<std::string_view, 9> names{
        "request",           "path",        "search list",
        "arguments",         "environment", "file actions",
        "attributes object", "result",      "completion descriptor"};
    words << (part < names.size() ? names[part] : std::string_view("request"));
}

void describe_attribute(Words& words, const Request& request, unsigned flag) noexcept {
    words << "attribute ";
    const auto* const found =
        std::ranges::find(attributes::attributes, flag, &attributes::Attribute::flag);
    if (found == attributes::attributes.end()) {
        words << static_cast<long long>(flag);
        return;
    }
    words << found->name;
    if (found->say == nullptr)
        return;
    // The kernel names an attribute only if there were some.
    static constexpr kspawn_spawnattr_t none{};
    words << " (";
    found->say(words, (request.attributes != nullptr ? *request.attributes : none).private_members);
    words << ")";
}

void describe_action(Words& words, const Request& request, unsigned index) noexcept {
    static constexpr auto names = by_op([](const Operation& operation) { return operation.name; });
    words << "file action " << static_cast<long long>(index);
    if (request.file_actions == nullptr)
        return;
    const auto actions = file_actions::actions_of(*request.file_actions);
    if (index >= actions.size())
        return;
    const auto& action = actions[index];
    words << ": ";
    if (fields_of(action) != Fields::none)
        words << look_up(names, action.op);
    if (fields_of(action) != Fields::none && fields_of(action) != Fields::state)
        words << " ";
    switch (fields_of(action)) {
    case Fields::none: // a newer library's
        words << "operation " << static_cast<long long>(action.op);
        break;
    case Fields::state:
        break;
    case Fields::fd:
        words << action.fd;
        break;
    case Fields::fd_newfd:
        words << action.fd << " to " << action.newfd;
        break;
    case Fields::newfd:
        words << action.newfd;
        break;
    case Fields::path:
    case Fields::open:
        words.name(name_of(path_of(action)), name_max);
        if (action.dirfd != AT_FDCWD)
            words << " in descriptor " << action.dirfd;
        break;
    }
}

void describe_exec(Words& words, const Request& request) noexcept {
    if (request.program >= 0) {
        words << executed << "descriptor " << request.program;
        return;
    }
    const auto path = name_of(request.path);
    const bool searched = request.search != nullptr && path.find('/') == std::string_view::npos;
    words << (searched ? "search " : executed);
    words.name(path, name_max);
    if (searched) {
        words << " in ";
        const std::string_view list = request.search;
        words.name(list.empty() ? "the working directory" : list, name_max);
    }
}

// The cause of a failure at the step BUILDER, whose errors are its own.
std::string_view hint_at_builder(int error) noexcept {
    switch (error) {
    case EBADF:
        return " (it is no builder)";
    case ENOSYS:
        return kspawn_get_backend() == KSPAWN_BACKEND_LIBC ? " (libc has none)"
                                                           : " (this module has none)";
    case EPERM:
        return " (its child has privileges that the caller has not)";
    case ESRCH:
        return " (its child has been started or has ended, or the process that made it has)";
    default:
        return "";
    }
}

// The same at the step BATCH.
std::string_view hint_at_batch(const Result& result) noexcept {
    switch (result.error) {
    case ECANCELED:
        return " (another start failed)";
    case EINTR:
        return " (a signal killed the child before its program began)";
    case ENOSYS:
        return " (this module has none)";
    default:
        return "";
    }
}

// One of the riddles of clone() and execve(), where the error alone sends people
// looking in the wrong place; for the other see add_hint().
std::string_view hint(const Result& result) noexcept {
    if (result.step == KSPAWN_STEP_CLONE && result.error == EAGAIN)
        return " (RLIMIT_NPROC or pids.max reached?)";
    if (result.step == KSPAWN_STEP_BUILDER)
        return hint_at_builder(result.error);
    if (result.step == KSPAWN_STEP_BATCH)
        return hint_at_batch(result);
    return "";
}

// How long the path is that add_hint() has to look for.
std::size_t missing_path(const Request& request, const Result& result) noexcept {
    if (result.step != KSPAWN_STEP_EXEC || result.error != ENOENT || request.program >= 0)
        return 0;
    const auto path = name_of(request.path);
    return path.starts_with('/') && path.size() <= name_max ? path.size() : 0;
}

// Only when the words are read: to look for a file costs as much as to be told that
// it is not there, and many a caller goes on to try another.
void add_hint() noexcept {
    if (memory.missing == 0)
        return;
    const ErrnoGuard keep_errno;
    std::array<char, name_max + 1> path{};
    std::copy_n(memory.parts.subject.data() + memory.missing_at, memory.missing, path.begin());
    memory.missing = 0;
    if (::access(path.data(), F_OK) != 0)
        return;
    // An ENOENT has no other.
    Words words{memory.parts.remark};
    words << " (the file exists; the interpreter that it names does not?)";
}

// The kernel can do all that libc cannot; so the answer is why the kernel was not asked.
void describe_backend(Words& words, const Result& result) noexcept {
    if (result.error != ENOTSUP)
        return;
    words << " (libc cannot do this";
    if (result.unsupported != nullptr)
        words << ": " << std::string_view(result.unsupported);
    if (result.no_kernel_step == KSPAWN_STEP_POLICY)
        words << "; the kernel refuses: " << policy_hint();
    else if (result.no_kernel_step == KSPAWN_STEP_BATCH)
        words << "; the module kspawn makes no batches";
    else if (result.no_kernel != 0)
        words << "; " << KSPAWN_DEVICE << ": " << device_hint(result.no_kernel);
    words << ")";
}

void describe_capture(Words& words, unsigned part) noexcept {
    static constexpr std::array<std::string_view, 6> names{
        "request", "cgroup", "standard input", "standard output", "standard error", "wait"};
    words << "capture: " << (part < names.size() ? names[part] : std::string_view("request"));
}

void describe_batch(Words& words, unsigned flag) noexcept {
    words << "batch";
    switch (flag) {
    case KSPAWN_BATCH_ALL_OR_NONE:
        words << " ALL_OR_NONE";
        break;
    case KSPAWN_BATCH_PIPES:
        words << " PIPES";
        break;
    case KSPAWN_BATCH_PGROUP:
        words << " PGROUP";
        break;
    default:
        break;
    }
}

void describe_step(Words& words, const Request& request, unsigned step, unsigned index) noexcept {
    switch (step) {
    case KSPAWN_STEP_POLICY:
        words << "refused: " << policy_hint();
        break;
    case KSPAWN_STEP_COPY:
        describe_part(words, index);
        break;
    case KSPAWN_STEP_DESCRIPTORS:
        words << "descriptor table";
        break;
    case KSPAWN_STEP_CLONE:
        words << "clone";
        break;
    case KSPAWN_STEP_ATTRIBUTE:
        describe_attribute(words, request, index);
        break;
    case KSPAWN_STEP_ACTION:
        describe_action(words, request, index);
        break;
    case KSPAWN_STEP_PIDFD:
        words << "pidfd";
        break;
    case KSPAWN_STEP_EXEC:
        describe_exec(words, request);
        break;
    case KSPAWN_STEP_WAIT:
        words << "wait for the child";
        break;
    case KSPAWN_STEP_BUILDER:
        words << "builder";
        break;
    case KSPAWN_STEP_CAPTURE:
        describe_capture(words, index);
        break;
    case KSPAWN_STEP_BATCH:
        describe_batch(words, index);
        break;
    default:
        words << "step " << static_cast<long long>(step);
        break;
    }
}

// "one, two, or three", "one, two, three, or another"
void describe_suspects(Words& words, const Request& request, const Suspects& suspects) noexcept {
    const auto known = suspects.known();
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (i != 0)
            words << (i + 1 == known.size() && !suspects.more() ? ", or " : ", ");
        describe_step(words, request, known[i].step, known[i].index);
    }
    if (suspects.more())
        words << ", or another";
}

void describe(Parts& parts, const Request& request, const Result& result) noexcept {
    Words subject{parts.subject};
    Words error{parts.error};
    Words remark{parts.remark};
    if (result.step == KSPAWN_STEP_DEVICE) {
        const auto cause = static_cast<int>(result.index);
        subject << "device " << KSPAWN_DEVICE;
        describe_error(error, cause);
        remark << " (" << device_hint(cause) << ")";
        return;
    }
    if (request.start >= 0)
        subject << "start " << static_cast<long long>(request.start) << ": ";
    const bool unknown = result.step == KSPAWN_STEP_LIBC;
    if (unknown && result.suspects != nullptr && result.suspects->count() != 0)
        describe_suspects(subject, request, *result.suspects);
    else if (unknown)
        subject << "posix_spawn() of libc";
    else
        describe_step(subject, request, result.step, result.index);
    describe_error(error, result.error);
    remark << hint(result);
    if (unknown)
        remark << " (libc does not tell which)";
    describe_backend(remark, result);
}

void compose(std::span<char> buffer, const Parts& parts) noexcept {
    Words words{buffer};
    words << parts.subject.data() << ": " << parts.error.data() << parts.remark.data();
}

} // namespace

const char* device_hint(int error) noexcept {
    switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return "is the module kspawn loaded?";
    case EACCES:
    case EPERM:
        return "this user may not use it";
    case EPROTO:
        return "the module speaks another ABI than this library";
    default:
        return "it could not be opened";
    }
}

const char* policy_hint() noexcept {
    return under_seccomp() ? "the caller runs under seccomp"
                           : "the caller may use I/O ports (ioperm(), iopl())";
}

void describe_in(std::span<char> buffer, const Request& request, const Result& result) noexcept {
    Parts parts{};
    describe(parts, request, result);
    compose(buffer, parts);
}

void remember(const Request& request, const Result& result) noexcept {
    const ErrnoGuard keep_errno;
    memory.failure = {result.error, result.step, result.index};
    memory.any = true;
    describe(memory.parts, request, result);
    memory.missing = missing_path(request, result);
    // The words before it, if it is one of a batch, are its number.
    if (memory.missing != 0)
        memory.missing_at =
            std::string_view(memory.parts.subject.data()).find(executed) + executed.size();
}

} // namespace kspawn::internal::failure

namespace memory_of_this_thread = kspawn::internal::failure;

const kspawn_failure* kspawn_last_failure() noexcept {
    return memory_of_this_thread::memory.any ? &memory_of_this_thread::memory.failure : nullptr;
}

const kspawn_words* kspawn_failure_words() noexcept {
    auto& memory = memory_of_this_thread::memory;
    if (!memory.any)
        return nullptr;
    memory_of_this_thread::add_hint();
    memory.words = {memory.parts.subject.data(), memory.parts.error.data(),
                    memory.parts.remark.data()};
    return &memory.words;
}

const char* kspawn_strfailure() noexcept {
    auto& memory = memory_of_this_thread::memory;
    if (memory.any) {
        memory_of_this_thread::add_hint();
        memory_of_this_thread::compose(memory.sentence, memory.parts);
    }
    return memory.sentence.data();
}

int kspawn_strfailure_r(char* buffer, size_t size) noexcept {
    const std::string_view words = kspawn_strfailure();
    if (buffer == nullptr || size == 0)
        return ERANGE;
    kspawn::internal::Words copy{{buffer, size}};
    copy << words;
    return words.size() < size ? 0 : ERANGE;
}
