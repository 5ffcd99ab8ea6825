// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * Start programs, for C++.
 *
 *     auto log = kspawn::Command("git").args({"log", "-1"}).current_dir("/src").output();
 *     if (log.status.success())
 *         std::cout << log.out;
 *
 * A shape known from Rust's std::process::Command and Python's subprocess, on
 * top of <kspawn/spawn.h>: programs are started through the kernel, or however
 * that library is told to.  There is no thread and no signal handler behind it.
 * Link with libkspawn++ (pkg-config kspawn++, CMake kspawn::kspawn++), and compile with
 * -std=c++20.  docs/cpp.md says what of libkspawn++ stays the same between versions.
 *
 * Since kspawn 0.1.
 */
#ifndef KSPAWN_COMMAND_HPP
#define KSPAWN_COMMAND_HPP

#include <kspawn/base.hpp>

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <kspawn/child.hpp>
#include <kspawn/completion_queue.hpp>
#include <kspawn/error.hpp>
#include <kspawn/exit_error.hpp>
#include <kspawn/exit_status.hpp>
#include <kspawn/file_descriptor.hpp>
#include <kspawn/signal_set.hpp>
#include <kspawn/spawn.h>
#include <kspawn/stdio.hpp>

namespace kspawn {

class AsyncCapture;
class Capture;
class CaptureQueue;
class AsyncSpawn;

/**
 * Sets of capabilities, as capset(2) takes them: bit N of each is the capability N of
 * <linux/capability.h>.
 *
 * Since kspawn 0.2.
 */
struct Capabilities {
    std::uint64_t effective = 0;   /**< those that are in force */
    std::uint64_t permitted = 0;   /**< those that it may put in force */
    std::uint64_t inheritable = 0; /**< those that a program of a file may inherit */
};

/**
 * struct sched_attr of sched_setattr(2), whose header does not go with the <sched.h> of
 * every libc.
 *
 * Since kspawn 0.2.
 */
struct SchedulingAttributes {
    std::uint32_t policy = 0;            /**< SCHED_OTHER, ... */
    std::uint64_t flags = 0;             /**< SCHED_FLAG_RESET_ON_FORK, ... */
    std::int32_t nice = 0;               /**< of SCHED_OTHER and SCHED_BATCH */
    std::uint32_t priority = 0;          /**< of SCHED_FIFO and SCHED_RR */
    std::uint64_t runtime = 0;           /**< of SCHED_DEADLINE, here and below: nanoseconds */
    std::uint64_t deadline = 0;          /**< in which the runtime is to be had */
    std::uint64_t period = 0;            /**< 0: the deadline */
    std::uint32_t least_utilization = 0; /**< from 0 to 1024, with its flag */
    std::uint32_t most_utilization = 0;  /**< from 0 to 1024, with its flag */
};

/**
 * A program to start, and how.
 *
 * A value type: copies are independent, but share descriptors that are owned.
 * Nothing happens until spawn(), spawn_async(), status() or output(), each of which may
 * be called any number of times, and by several threads at once while nobody changes
 * the object.  A setting that is made twice holds as it was made last.
 *
 * Where nothing is said, the child has what the caller has when it starts the
 * child: environment, working directory, the descriptors that are not
 * close-on-exec, signal mask, and so on.
 */
class KSPAWN_API Command {
public:
    /**
     * @param program with a '/': a path, relative to the child's working directory.
     *                Without: searched for in PATH, as the child will have it if
     *                env(), env_clear() or env_remove() say something about it, or
     *                else as the caller has it
     */
    explicit Command(std::string program);
    /** An independent copy, which shares descriptors that are owned. */
    Command(const Command& other);
    /** The other may then be copied, assigned to and destroyed, and no more. */
    Command(Command&& other) noexcept;
    /** An independent copy, which shares descriptors that are owned. */
    Command& operator=(const Command& other);
    /** The other may then be copied, assigned to and destroyed, and no more. */
    Command& operator=(Command&& other) noexcept;
    /** Nothing happens to what was started. */
    ~Command();

    /**
     * Search for the program elsewhere than in PATH.
     *
     * @param directories separated by ':', an empty one being the child's working
     *                    directory; nothing: the program is a path, even without a '/'
     */
    Command& search(std::optional<std::string> directories);

    /** @name Arguments */
    /**@{*/
    /** Add an argument. */
    Command& arg(std::string argument);
    /** Add arguments. */
    Command& args(std::vector<std::string> arguments);
    /** Set the argument with the number 0, which is otherwise the program as it was named. */
    Command& arg0(std::string argument);
    /**@}*/

    /** @name Environment */
    /**@{*/
    /** Set a variable. */
    Command& env(const std::string& name, std::string value);
    /** Set variables. */
    Command& envs(const std::vector<std::pair<std::string, std::string>>& variables);
    /** Do not inherit a variable. */
    Command& env_remove(const std::string& name);
    /** Inherit no variable, and forget what was set. */
    Command& env_clear();
    /**@}*/

    /** @name Working directory */
    /**@{*/
    /** Start the program in a directory; a relative path is relative to the caller's. */
    Command& current_dir(std::filesystem::path directory);
    /** Start the program in an open directory, which stays the caller's. */
    Command& current_dir(int descriptor);
    /**@}*/

    /** @name Descriptors */
    /**@{*/
    /** The source that the child reads from. */
    Command& stdin_from(Stdio source);
    /** Where its output goes. */
    Command& stdout_to(Stdio target);
    /** Where its errors go. */
    Command& stderr_to(Stdio target);
    /**
     * Set a descriptor of the child.  Descriptors may be exchanged: sources are
     * those of the caller as they were before.
     *
     * @param child_number its number in the child
     * @param what         inherit() of one above 2 is inherited even if it is
     *                     close-on-exec, and must be open; inherit_if_open() need not
     */
    Command& descriptor(int child_number, Stdio what);
    /** Let the child have no descriptor above 2 but those named by descriptor(). */
    Command& close_other_descriptors(bool close = true);
    /** Close a descriptor of the child's and all above it, whatever was said of them. */
    Command& close_from(int lowest);
    /**
     * Close a descriptor of the child's and all above it but for some, whatever was said of
     * them: an exception is as it would be without this.  The kernel module is needed.
     *
     * @param lowest the first to close
     * @param kept   the exceptions, in any order
     */
    Command& close_from_except(int lowest, std::vector<int> kept);
    /**@}*/

    /** @name Process group, session, terminal */
    /**@{*/
    /** Put the child into a process group of the caller's session; 0: one of its own. */
    Command& process_group(pid_t group = 0);
    /** Make the child the leader of a new session. */
    Command& new_session(bool wanted = true);
    /** Make the child's process group the terminal's foreground group. */
    Command& foreground(int terminal);
    /**@}*/

    /** @name Signals */
    /**@{*/
    /** The signals that the child blocks. */
    Command& signal_mask(const SignalSet& blocked);
    /** Signals to set to their default; those with a handler are in any case. */
    Command& default_signals(const SignalSet& signals);
    /** Signals to ignore; this wins over default_signals().  Not known to glibc. */
    Command& ignore_signals(const SignalSet& signals);
    /** Block nothing, and set all signals to their default. */
    Command& reset_signals();
    /**@}*/

    /** @name Scheduling, cgroup, credentials */
    /**@{*/
    /** Scheduling policy (SCHED_OTHER, SCHED_FIFO, ...) and static priority. */
    Command& scheduler(int policy, int priority);
    /** Static priority under the policy that is inherited. */
    Command& priority(int priority);
    /** Create the child in a cgroup (version 2): its directory below /sys/fs/cgroup. */
    Command& cgroup(std::filesystem::path directory);
    /** Create the child in a cgroup (version 2): its open directory, which stays the caller's. */
    Command& cgroup(int descriptor);
    /** Set the effective user and group ID to the real ones. */
    Command& reset_ids(bool wanted = true);
    /**@}*/

    /**
     * @name State of the program (since kspawn 0.2)
     *
     * In the order in which these are said, after files have been opened for descriptors and
     * before the working directory: so root(), groups(), group(), user(), and then what the
     * new user is to do.  Each fails as its system call does, at the start.  The kernel module
     * is needed: through libc the start fails with ENOTSUP.
     */
    /**@{*/
    /** The file mode creation mask, as umask(2). */
    Command& umask(mode_t mask);
    /** A soft and a hard limit, as setrlimit(2): RLIMIT_NOFILE, ... */
    Command& limit(int resource, rlim_t soft, rlim_t hard);
    /** The nice value itself, as setpriority(2). */
    Command& nice(int value);
    /** From -1000 to 1000, as /proc/PID/oom_score_adj. */
    Command& oom_score(int score);
    /** The supplementary groups, as setgroups(2). */
    Command& groups(std::vector<gid_t> groups);
    /** Real, effective and saved group ID. */
    Command& group(gid_t group);
    /** Real, effective and saved user ID. */
    Command& user(uid_t user);
    /** No program gains privileges by execve(2). */
    Command& no_new_privileges();
    /**
     * A signal for the program when the thread that starts it exits; if that has exited
     * already, the program is not started.  A later change of ids clears it.
     */
    Command& parent_death_signal(int signal_number);
    /** The root directory, as chroot(2). */
    Command& root(const std::filesystem::path& directory);
    /** The same: an open directory, which stays the caller's. */
    Command& root(int descriptor);
    /** New namespaces, as unshare(2): CLONE_NEWNS, ... */
    Command& new_namespaces(int flags);
    /**
     * An existing namespace, as setns(2).
     *
     * @param descriptor of a namespace, or a pidfd; it stays the caller's
     * @param type       what it must be, CLONE_NEWNET, ...; 0: any.  For a pidfd: which of
     *                   that process's
     */
    Command& enter_namespace(int descriptor, int type = 0);
    /**
     * The controlling terminal, as TIOCSCTTY of ioctl(2): with new_session().
     *
     * @param child_number a descriptor of the child's, as descriptor() has made it or as it
     *                     is inherited, be it close-on-exec; not one that is same_as()
     * @param steal        take it from another session, which needs CAP_SYS_ADMIN
     */
    Command& controlling_terminal(int child_number, bool steal = false);
    /** The CPUs on which it may run, as sched_setaffinity(2); no number is above 32767. */
    Command& affinity(const std::vector<unsigned>& cpus);
    /** Scheduling with deadlines and all, as sched_setattr(2). */
    Command& scheduler(const SchedulingAttributes& attributes);
    /** Class and level of input and output, as ioprio_set(2): IOPRIO_CLASS_IDLE, ... */
    Command& io_priority(int io_class, int level = 0);
    /** Mode and nodes of memory, as set_mempolicy(2); no number is above 32767. */
    Command& memory_policy(int mode, const std::vector<unsigned>& nodes = {});
    /** The execution domain, as personality(2): ADDR_NO_RANDOMIZE, ... */
    Command& personality(unsigned persona);
    /** The capabilities, as capset(2). */
    Command& capabilities(const Capabilities& sets);
    /** Keep permitted capabilities when user() gives up root: PR_SET_KEEPCAPS of prctl(2). */
    Command& keep_capabilities(bool keep = true);
    /** SECBIT_NOROOT and the others: PR_SET_SECUREBITS of prctl(2). */
    Command& secure_bits(unsigned bits);
    /** Remove one from the bounding set: PR_CAPBSET_DROP of prctl(2). */
    Command& drop_bounding_capability(unsigned capability);
    /** Add one to the ambient set, or remove it: PR_CAP_AMBIENT of prctl(2). */
    Command& ambient_capability(unsigned capability, bool raised = true);
    /** Empty the ambient set: PR_CAP_AMBIENT_CLEAR_ALL of prctl(2). */
    Command& clear_ambient_capabilities();
    /** Become the parent of orphaned descendants: PR_SET_CHILD_SUBREAPER of prctl(2). */
    Command& child_subreaper(bool wanted = true);
    /** How late timers may be, in nanoseconds; 0: as ever: PR_SET_TIMERSLACK of prctl(2). */
    Command& timer_slack(unsigned long nanoseconds);
    /** The program is stopped before its first instruction; SIGCONT lets it go. */
    Command& stopped();
    /**@}*/

    /** @name Tool calls: for capture() and its like (since kspawn 0.2) */
    /**@{*/
    /** The contents of its standard input, unless something but a pipe was said about that: a pipe
     * if one was said or it is more than 1 MiB, and a file in memory otherwise. */
    Command& input(std::string data);
    /** Bytes that are kept of standard output and of standard error; the rest is read and
     *  thrown away.  Otherwise there is no limit. */
    Command& output_limit(std::size_t out, std::size_t err);
    /** Bytes that are kept of each. */
    Command& output_limit(std::size_t each);
    /** SIGTERM after a time, of any std::chrono kind, from when the program was executed. */
    template <class Rep, class Period>
    Command& time_limit(std::chrono::duration<Rep, Period> limit) {
        return time_limit_ms(std::chrono::ceil<std::chrono::milliseconds>(limit).count());
    }
    /** How long after that comes SIGKILL; 1 s if nothing is said. */
    template <class Rep, class Period>
    Command& grace(std::chrono::duration<Rep, Period> grace) {
        return grace_ms(std::chrono::ceil<std::chrono::milliseconds>(grace).count());
    }
    /** Create the child in a cgroup (version 2) that the call has for itself, and kill all
     *  that is in it whenever the call ends.  Its open directory stays the caller's. */
    Command& kill_tree(int cgroup);
    /**@}*/

    /** @name What was said (since kspawn 0.2) */
    /**@{*/
    /** @return the program as it was named */
    [[nodiscard]] const std::string& program() const noexcept;
    /** @return argument 0: arg0(), or else the program as it was named */
    [[nodiscard]] const std::string& argument0() const noexcept;
    /** @return the arguments after argument 0 */
    [[nodiscard]] std::vector<std::string> arguments() const;
    /** @return variables and their values: of env() and envs().  No value: env_remove() */
    [[nodiscard]] std::map<std::string, std::optional<std::string>> environment_changes() const;
    /** @return whether the other variables are the caller's; false: env_clear() */
    [[nodiscard]] bool inherits_environment() const noexcept;
    /** @return the directory of current_dir(); nothing: the caller's, or one that was named by
     *  a descriptor */
    [[nodiscard]] std::optional<std::filesystem::path> directory() const;
    /**
     * The program as a line for sh, to be shown or logged.
     *
     *     Command("git").args({"commit", "-m", "it's done"}).env("LC_ALL", "C").shell_line()
     *     // env LC_ALL=C git commit -m 'it'\''s done'
     *
     * A shell that reads it starts the same program with the same arguments, changes of the
     * environment and directory (`cd /src && make`).  The line leaves out the other settings,
     * for most of which sh has no word: descriptors, argument 0, the list of search(), a
     * directory that was named by a descriptor, signals, state and limits.
     *
     * @return the line, without a newline at its end
     */
    [[nodiscard]] std::string shell_line() const;
    /**@}*/

    /** @name Starting */
    /**@{*/
    /**
     * Start it.  Returns once the program has been executed; a failure leaves no
     * child, no descriptor, no signal.
     *
     * @return the child, with our ends of its pipes
     * @throws SpawnError with the errors of kspawn_spawn(), and at Step::prepare:
     *   - EINVAL: a NUL in a string, a '=' in the name of a variable or an empty one;
     *     a descriptor's number is negative; same_as() names a descriptor that
     *     is same_as() itself
     *   - EBADF: a descriptor is negative or not below the limit (RLIMIT_NOFILE)
     *   - EMFILE, ENFILE: no descriptor for a pipe
     *   - those of open(2) for the cgroup
     */
    [[nodiscard]] Child spawn() const;
    /**
     * The same, by error code.
     *
     * @param[out] error cleared after success.  It does not tell the step, and
     *                   kspawn_last_failure() tells one only of a failure that was not at
     *                   Step::prepare, of which it still has an older one: whoever wants
     *                   to know the step calls the function that throws
     * @return the child, or an empty one
     */
    [[nodiscard]] Child spawn(std::error_code& error) const;

    /**
     * Start it, and go on before the program has been executed.
     *
     * If the start succeeds or fails later, the handler is called by
     * CompletionQueue::dispatch() or wait(), with the child or with the error.  The
     * child exists when this returns, and belongs to the queue until then.
     *
     * @param queue   if it is destroyed before, the handler is never called
     * @param handler what to call.  It is not called if this throws.  If it is empty, the
     *                child is let go of
     * @return the child's process ID.  A start that has failed has given it up: to end
     *         one that hangs, use CompletionQueue::kill()
     * @throws SpawnError as spawn(), for what is known before there is a child; and,
     *         at Step::copy, EAGAIN: the queue's capacity is exhausted
     */
    pid_t spawn_async(CompletionQueue& queue, SpawnHandler handler) const;
    /**
     * The same, by error code.
     *
     * @param[out] error cleared after success
     * @return the child's process ID; 0: there is none
     */
    pid_t spawn_async(CompletionQueue& queue, SpawnHandler handler, std::error_code& error) const;
    /**
     * The same for a coroutine: `Child child = co_await command.spawn_async(queue);`.
     * Needs <kspawn/async_spawn.hpp>.
     */
    [[nodiscard]] AsyncSpawn spawn_async(CompletionQueue& queue) const;

    /**
     * Start it and wait for it.  Nothing is done with a pipe but to close it: a child finds
     * the end of its input, and one that writes gets SIGPIPE (EPIPE).
     *
     * That is one system call (kspawn_spawn_wait_np()).  The wait goes on after a signal
     * that was handled.
     *
     * @return how it ended
     * @throws SpawnError as spawn(), std::system_error as Child::wait()
     */
    [[nodiscard]] ExitStatus status() const;
    /**
     * The same, by error code.
     *
     * @param[out] error cleared after success
     * @return how it ended; none after an error
     */
    [[nodiscard]] ExitStatus status(std::error_code& error) const;
    /**
     * The same, for a caller whose signal handlers pass signals on to the child.  Both
     * are stored as soon as there is a child and left as they are if there is none;
     * through the kernel, before a handler of the calling thread can run.
     *
     * @param[out] pid   the child's process ID
     * @param[out] pidfd a pidfd of the child, close-on-exec and the caller's to close
     * @return how it ended
     * @throws as status()
     */
    [[nodiscard]] ExitStatus status(pid_t& pid, int& pidfd) const;

    /**
     * Start it, collect what it writes, and wait for it.
     *
     * Standard output and error are pipes unless something was said about them.
     * If nothing was said about standard input, it is a pipe if there is an input,
     * and /dev/null otherwise.  Pipes of other numbers are closed.
     *
     * @param input what to write to its standard input, if that is a pipe
     * @throws SpawnError as spawn(), std::system_error as Child::wait_with_output()
     */
    [[nodiscard]] Output output(std::string_view input = {}) const;
    /** The same, by error code. */
    [[nodiscard]] Output output(std::string_view input, std::error_code& error) const;

    /**
     * status(), for a program that is to succeed.
     *
     * @throws ExitError it did not; SpawnError, std::system_error as status()
     *
     * Since kspawn 0.2.
     */
    void check() const;
    /**
     * output(), for a program that is to succeed.
     *
     * @param input what to write to its standard input, if that is a pipe
     * @return what it wrote, and that it succeeded
     * @throws ExitError it did not, with all that it wrote; SpawnError, std::system_error as
     *         output()
     *
     * Since kspawn 0.2.
     */
    [[nodiscard]] Output check_output(std::string_view input = {}) const;

    /**
     * Start it, collect what it writes, and be done with it: output() with the limits above,
     * as kspawn_capture_np() of <kspawn/capture.h> does it.
     *
     *     auto found = Command("rg").arg("x").current_dir(fd).time_limit(2s)
     *                      .parent_death_signal(SIGKILL).close_other_descriptors()
     *                      .kill_tree(cgroup).capture();
     *
     * Standard output and error are pipes unless something was said about them, and standard
     * input is input() or /dev/null.  Other pipes are refused.
     *
     * @return what it wrote, how it ended, and whether the time limit was over first
     * @throws SpawnError as spawn() and with the errors of kspawn_capture_np(); then
     *         nothing of it is left.  At Step::prepare, EINVAL: a pipe that nobody serves
     *
     * Since kspawn 0.2.
     */
    [[nodiscard]] Output capture() const;
    /** The same, by error code; what was read before an error is returned with it. */
    [[nodiscard]] Output capture(std::error_code& error) const;
    /**
     * capture(), for a program that is to succeed within its time limit.
     *
     * @return what it wrote, and that it succeeded
     * @throws ExitError it did not, with all that was kept, or the time limit was over first;
     *         SpawnError as capture()
     *
     * Since kspawn 0.2.
     */
    [[nodiscard]] Output check_capture() const;
    /**
     * Start it, and collect what it writes as an event loop says.  Needs
     * <kspawn/capture.hpp>.  It returns when the program has been executed.
     *
     * @throws SpawnError as capture()
     */
    [[nodiscard]] Capture start_capture() const;
    /**
     * capture() for a coroutine: `Output output = co_await command.capture_async(queue);`.
     * Needs <kspawn/capture.hpp>.
     */
    [[nodiscard]] AsyncCapture capture_async(CaptureQueue& queue) const;
    /**@}*/

    /** The description of the program so far; for the library itself. */
    struct State;

private:
    friend struct internal::Access;

    Command& time_limit_ms(std::int64_t limit) noexcept;
    Command& grace_ms(std::int64_t grace) noexcept;

    std::unique_ptr<State> state_; // null: it has been moved from
};

} // namespace kspawn

#endif // KSPAWN_COMMAND_HPP
