// SPDX-License-Identifier: LGPL-2.1-or-later
#include "intended_differences.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <initializer_list>
#include <string>

namespace conformance {

namespace {

using nlohmann::json;

constexpr unsigned long long internal_signals = 3ULL << 31; // 32 and 33

bool in(const Difference& difference, const char* prefix) {
    return difference.where.starts_with(prefix);
}

bool failed(const json& outcome) {
    return outcome.at("error") != 0;
}

unsigned long long bits(const json& value) {
    return value.is_string() ? std::stoull(value.get<std::string>(), nullptr, 16) : 0;
}

bool internal_signals_ignored(const Specification&, const json&, const json&,
                              const Difference& difference) {
    if (in(difference, "/report/dispositions/32/") || in(difference, "/report/dispositions/33/"))
        return difference.ours.is_null();
    return difference.where == "/report/status/SigIgn" &&
           (bits(difference.ours) ^ bits(difference.theirs)) == internal_signals;
}

constexpr long long pf_superpriv = 0x100;

bool privilege_was_used(const Specification&, const json&, const json&,
                        const Difference& difference) {
    return difference.where == "/report/stat/flags" && difference.ours.is_number() &&
           difference.theirs.is_number() &&
           (difference.theirs.get<long long>() ^ difference.ours.get<long long>()) == pf_superpriv;
}

// Whether that is so of a step of this list.
template <typename Condition>
bool any_step(const Specification& specification, const char* list, const Condition& condition) {
    const auto found = specification.find(list);
    return found != specification.end() && std::ranges::any_of(*found, condition);
}

bool is_one_of(const json& verb, std::initializer_list<const char*> verbs) {
    return std::ranges::any_of(verbs, [&](const char* one) { return verb == one; });
}

const std::string& text(const json& value) {
    return value.get_ref<const std::string&>();
}

bool limits(const Specification& specification, const char* what) {
    return any_step(specification, "parent",
                    [&](const json& step) { return step.at(0) == "limit" && step.at(1) == what; });
}

bool cloexec_not_there(const Specification& specification, const json& ours, const json&,
                       const Difference&) {
    return ours.at("error") == ENOENT && any_step(specification, "actions", [](const json& step) {
               return step.at(0) == "open" && text(step.at(2)).starts_with("/proc/self/fd/");
           });
}

// A program that is set-ID gets /dev/null for those of the first three that it
// has not, from its libc.
bool open_close_on_exec(const Specification& specification, const json& ours, const json&,
                        const Difference& difference) {
    const bool is_such_a_file = any_step(specification, "actions", [&](const json& step) {
        return step.at(0) == "open" && text(step.at(3)).find("cloexec") != std::string::npos &&
               in(difference, ("/report/descriptors/" + step.at(1).dump() + '/').c_str());
    });
    return is_such_a_file && (difference.ours.is_null() || ours.at("report").at("secure") == "1");
}

// An action that comes before the program in the child may fail with the same number.
bool long_name_first(const Specification& specification, const json& ours, const json& theirs,
                     const Difference& difference) {
    const auto has_a_name = [](const json& step) {
        return !is_one_of(step.at(0), {"close", "closefrom", "dup2"});
    };
    const auto can_fail = [](const json& step) {
        return is_one_of(step.at(0), {"setpgroup", "setsid", "setscheduler", "setschedparam"});
    };
    return difference.where == "/error" && ours.at("error") == ENAMETOOLONG && failed(theirs) &&
           !any_step(specification, "actions", has_a_name) &&
           any_step(specification, "attributes", can_fail);
}

bool empty_name_first(const Specification& specification, const json& ours, const json& theirs,
                      const Difference& difference) {
    return difference.where == "/error" && ours.at("error") == ENOENT &&
           theirs.at("error") == EINVAL && any_step(specification, "actions", [](const json& step) {
               return step.at(0) == "open" && text(step.at(2)).empty();
           });
}

bool judged_when_added(const Specification& specification, const json& ours, const json& theirs,
                       const Difference& difference) {
    return ours.at("error") == EBADF &&
           (difference.where == "/error" || difference.where == "/files" || !failed(theirs)) &&
           limits(specification, "nofile");
}

bool no_descriptor_for_a_pipe(const Specification& specification, const json& ours,
                              const json& theirs, const Difference&) {
    return theirs.at("error") == EMFILE && ours.at("error") != EMFILE &&
           limits(specification, "nofile");
}

bool failure_without_sigchld(const Specification&, const json& ours, const json&,
                             const Difference& difference) {
    return difference.where == "/SIGCHLD" && failed(ours) && difference.ours == false;
}

bool is_of_the_program(const json& error) {
    constexpr std::array errors{ENOENT, EACCES, ENOTDIR, ELOOP, ENAMETOOLONG};
    return std::ranges::any_of(errors, [&](int one) { return error == one; });
}

bool program_before_process_limit(const Specification& specification, const json& ours,
                                  const json& theirs, const Difference& difference) {
    return difference.where == "/error" && theirs.at("error") == EAGAIN &&
           is_of_the_program(ours.at("error")) && limits(specification, "nproc");
}

bool child_before_program(const Specification&, const json& ours, const json& theirs,
                          const Difference& difference) {
    return difference.where == "/error" && is_of_the_program(ours.at("error")) && failed(theirs);
}

bool long_search_element(const Specification& specification, const json& ours, const json& theirs,
                         const Difference& difference) {
    return difference.where == "/error" && ours.at("error") == ENOENT &&
           theirs.at("error") == ECHILD && any_step(specification, "parent", [](const json& step) {
               return step.at(0) == "setenv" && step.at(1) == "PATH" &&
                      text(step.at(2)).size() >= 4096;
           });
}

bool device_stays_open(const Specification& specification, const json&, const json&,
                       const Difference& difference) {
    return difference.where == "/parent's descriptors changed" && difference.ours == true &&
           has_step(specification, "parent", "unused");
}

bool failed_child_unseen(const Specification&, const json& ours, const json&,
                         const Difference& difference) {
    return difference.where == "/watched/child of a failed start" && failed(ours) &&
           difference.ours == false;
}

} // namespace

const std::vector<IntendedDifference>& intended_differences() {
    static const std::vector<IntendedDifference> list{
        {"failure-without-sigchld", "both",
         "A start that fails leaves no child, and so nothing that ends: no SIGCHLD.  libc's child "
         "exists, fails and ends.",
         failure_without_sigchld},
        {"internal-signals", "glibc",
         "glibc ignores signals 32 and 33, which its threads use, in every child, and the program "
         "inherits that.  In a child of the kernel's no handler can run before the program does, "
         "so that there is nothing to protect.",
         internal_signals_ignored},
        {"privilege-was-used", "both",
         "The kernel marks a process that has used a privilege (PF_SUPERPRIV, for accounting).  "
         "libc's child makes system calls that look for one where the kernel's own child needs "
         "none.",
         privilege_was_used},
        {"cloexec-descriptors-are-not-there", "both",
         "Close-on-exec descriptors of the caller are copied for the child only if an action names "
         "them, or if a path begins with /proc/self/fd/N, /proc/thread-self/fd/N or /dev/fd/N; one "
         "that a path leads to otherwise (by a symbolic link, say) is not there.  That is what "
         "makes a start with 20,000 of them as cheap as with none.",
         cloexec_not_there},
        {"open-is-close-on-exec", "both",
         "O_CLOEXEC in an open action holds.  libc opens the file with whatever number comes, and "
         "loses the flag when that is not the one asked for and is duplicated.",
         open_close_on_exec},
        {"long-program-name-first", "both",
         "If both the program's name is too long (ENAMETOOLONG) and an attribute cannot be set, "
         "the "
         "error is the name's: the kernel copies the name before it makes a child.  POSIX does not "
         "say which error is told.",
         long_name_first},
        {"numbers-are-judged-when-added", "musl",
         "A descriptor beyond the limit (RLIMIT_NOFILE) is EBADF when the action is added, as in "
         "glibc and as POSIX has it.  musl notices in the child, when actions before it have been "
         "done and another error may come first.",
         judged_when_added},
        {"no-descriptor-is-needed", "musl",
         "A start takes no descriptor of the caller's that it is not asked for.  musl makes a pipe "
         "for the child's error, and fails with EMFILE where the limit leaves no two.",
         no_descriptor_for_a_pipe},
        {"empty-name-first", "both",
         "An open action with an empty name is ENOENT even if its flags exclude each other, which "
         "open(2) notices first.",
         empty_name_first},
        {"device-stays-open", "both",
         "After the first start a descriptor of /dev/kspawn stays open, close-on-exec, at 48 or "
         "above, or at 10 or above, or 3 or above, where the limit has it so.  It is not kept "
         "where it would be the caller's last.",
         device_stays_open},
        {"long-search-element", "glibc",
         "A directory of PATH that is 4,096 bytes or longer is passed over, and the error is "
         "ENOENT if there is no other.  glibc passes over it as well, and if nothing was tried "
         "says what errno was, or ECHILD.",
         long_search_element},
        {"program-before-process-limit", "both",
         "If the program cannot be found and the limit on processes (RLIMIT_NPROC) is reached, the "
         "error is the program's and not EAGAIN: the kernel looks before it makes a child.",
         program_before_process_limit},
        {"child-before-program", "builder",
         "If the program cannot be found and the child cannot be made as it is asked for, "
         "kspawn_spawn() tells the error of the program.  A builder's child is made before the "
         "program is named.",
         child_before_program},
        {"failed-child-is-not-seen", "both",
         "The child of a start that fails is never found by a wait, by whatever flags, not even by "
         "one in another thread of the caller's.",
         failed_child_unseen},
    };
    return list;
}

std::string intended(const Specification& specification, const json& ours, const json& theirs,
                     const Difference& difference) {
    for (const auto& rule : intended_differences())
        if ((difference.against == rule.against ||
             (std::string("both") == rule.against && difference.against != "builder")) &&
            rule.applies(specification, ours, theirs, difference))
            return rule.name;
    return {};
}

} // namespace conformance
