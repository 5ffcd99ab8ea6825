// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * @file
 * A child that is made what it is to be step by step, then started, for C++.
 *
 *     kspawn::Builder builder;
 *     builder.chdir("/src").open(1, "/tmp/log", O_WRONLY | O_CREAT);
 *     kspawn::Child child = builder.start("git", {"log", "-1"});
 *
 * On top of <kspawn/builder.h>, which says what a builder is and who may operate it.
 * Link with libkspawn++.
 *
 * Since kspawn 0.2.
 */
#ifndef KSPAWN_BUILDER_HPP
#define KSPAWN_BUILDER_HPP

#include <kspawn/base.hpp>

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <kspawn/builder.h>
#include <kspawn/child.hpp>
#include <kspawn/command.hpp>
#include <kspawn/error.hpp>
#include <kspawn/file_descriptor.hpp>
#include <kspawn/signal_set.hpp>

namespace kspawn {

/** Options of a builder's creation, which cannot be changed later. */
struct BuilderOptions {
    /** Let the child have no descriptor above 2 but those that it is given later. */
    bool close_other_descriptors = false;
    /** Create the child in a cgroup (version 2): its directory below /sys/fs/cgroup. */
    std::optional<std::filesystem::path> cgroup = std::nullopt;
};

/**
 * A child process that waits in the kernel to be started.  Move-only.
 *
 * The child exists: it has a process ID, descriptors, credentials and a working
 * directory of its own.  Each function below that changes it is one operation, which has
 * taken effect when the function returns, and which /proc/PID shows.  One that fails
 * changes nothing, and the child waits on.
 *
 * The destructor kills a child that was not started.  No wait of this process finds such a
 * child, and there is no SIGCHLD for it.
 *
 * The operations return the object, to be written one after the other.  They throw
 * SpawnError with the errors of kspawn_builder_apply_np(), and at Step::prepare: EINVAL,
 * a NUL in a path; EBADF, a descriptor that is negative or not below the limit
 * (RLIMIT_NOFILE).  After EINTR at Step::builder the operation may be repeated.
 * Descriptors are numbers of the child, unless a function says otherwise.
 *
 * Different threads may use one object at once, but not move or discard it.
 */
class KSPAWN_API Builder {
public:
    /** Variables of an environment: names and values. */
    using Variables = std::vector<std::pair<std::string, std::string>>;

    /**
     * Create a child, which has what the calling thread has: descriptors that are not
     * close-on-exec, working directory, signal mask, and so on.
     *
     * @throws SpawnError with the errors of kspawn_builder_create_np(); at Step::prepare,
     *         EINVAL or those of open(2): the cgroup
     */
    explicit Builder(const BuilderOptions& options = {});
    /**
     * A builder that another process has handed over, or that was released.
     *
     * @param descriptor the builder's
     * @param pid        its child's process ID; 0: it is not known
     */
    explicit Builder(FileDescriptor descriptor, pid_t pid = 0) noexcept
        : descriptor_(std::move(descriptor)), pid_(pid) {}
    Builder(const Builder&) = delete;
    Builder& operator=(const Builder&) = delete;
    /** The other is of no more use. */
    Builder(Builder&& other) noexcept
        : descriptor_(std::move(other.descriptor_)), pid_(std::exchange(other.pid_, 0)) {}
    /** The child that was here before is killed, unless it was started. */
    Builder& operator=(Builder&& other) noexcept {
        descriptor_ = std::move(other.descriptor_);
        pid_ = std::exchange(other.pid_, 0);
        return *this;
    }
    /** See above. */
    ~Builder() = default;

    /**
     * @return the builder's descriptor, close-on-exec and owned by this object.  poll(),
     * epoll and their like tell POLLOUT while the child waits for an operation, and
     * POLLHUP when it has been started or has ended.  Negative: none
     */
    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
    /**
     * @return the child's process ID: /proc/PID shows what has been done to it.  The number
     * may be another's once the child has ended, which poll() tells.  0: not known
     */
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /**
     * A pidfd of the child while it is built, to watch or kill it by.
     *
     * @throws SpawnError as an operation does, ESRCH: it has been started, or has ended;
     *         std::system_error with the errors of pidfd_open(2)
     */
    [[nodiscard]] FileDescriptor pidfd() const;
    /** @return the descriptor, which is the caller's to close; this object is then empty */
    [[nodiscard]] FileDescriptor release() noexcept {
        pid_ = 0;
        return std::move(descriptor_);
    }
    /** Close the builder, which kills a child that was not started. */
    void discard() noexcept { *this = Builder(FileDescriptor()); }

    /** @name Descriptors */
    /**@{*/
    /**
     * Open a file.
     *
     * @param child_number what becomes its number; one that is there is closed first
     * @param path         a relative one is relative to the child's working directory
     * @param oflag        as open() takes them
     * @param mode         permissions of a file that is created, less the child's umask
     */
    const Builder& open(int child_number, const std::filesystem::path& path, int oflag,
                        mode_t mode = 0666) const;
    /** Close a descriptor; one that is not open is no error. */
    const Builder& close(int child_number) const;
    /** Close a descriptor and all above it. */
    const Builder& close_from(int lowest) const;
    /** Close descriptors; both ends are included. */
    const Builder& close_range(int first, int last) const;
    /** Duplicate one; EBADF at Step::action: it is not open.  Equal: clear close-on-exec. */
    const Builder& dup2(int from, int to) const;
    /** Clear close-on-exec, if it is open. */
    const Builder& inherit(int child_number) const;
    /**
     * Give the child a descriptor of the calling process, as it is now.
     *
     * @param own           a descriptor of the caller's, which stays open
     * @param child_number  what becomes its number
     * @param close_on_exec whether it is there for later operations only
     */
    const Builder& pass(int own, int child_number, bool close_on_exec = false) const;
    /**@}*/

    /** @name Working directory */
    /**@{*/
    /** Change it; a relative path is relative to the one before. */
    const Builder& chdir(std::filesystem::path directory) const;
    /** Change it to an open directory. */
    const Builder& chdir(int child_number) const;
    /**@}*/

    /** @name Process group, session, terminal */
    /**@{*/
    /** Put the child into a process group of its session; 0: one of its own. */
    const Builder& process_group(pid_t group = 0) const;
    /** Make the child the leader of a new session. */
    const Builder& new_session() const;
    /** Make the child's process group the foreground group of a terminal. */
    const Builder& foreground(int terminal) const;
    /**@}*/

    /** @name Signals */
    /**@{*/
    /** The signals that the program blocks. */
    const Builder& signal_mask(const SignalSet& blocked) const;
    /** Signals to set to their default; those with a handler are in any case. */
    const Builder& default_signals(const SignalSet& signals) const;
    /** Signals to ignore. */
    const Builder& ignore_signals(const SignalSet& signals) const;
    /** Block nothing, and set all signals to their default. */
    const Builder& reset_signals() const;
    /**@}*/

    /** @name Scheduling, credentials */
    /**@{*/
    /** Scheduling policy (SCHED_OTHER, SCHED_FIFO, ...) and static priority. */
    const Builder& scheduler(int policy, int priority) const;
    /** Static priority under the policy that it has. */
    const Builder& priority(int priority) const;
    /** Set the effective user and group ID to the real ones. */
    const Builder& reset_ids() const;
    /**@}*/

    /**
     * Attributes and file actions of <kspawn/spawn.h>, in one call.  The attributes take
     * effect first.  The first that fails ends the call: those before it hold.
     *
     * @param actions    what to do; null: nothing
     * @param attributes what to set; null: nothing
     * @throws SpawnError with the errors of kspawn_builder_apply_np()
     */
    const Builder& apply(const kspawn_spawn_file_actions_t* actions,
                         const kspawn_spawnattr_t* attributes = nullptr) const;
    /**
     * The same, by error code.
     *
     * @param[out] error cleared after success; kspawn_last_failure() tells the step
     */
    const Builder& apply(const kspawn_spawn_file_actions_t* actions,
                         const kspawn_spawnattr_t* attributes,
                         std::error_code& error) const noexcept;

    /**
     * Execute a program.  After a failure the child waits on, to be mended and started
     * again.
     *
     * @param program     with a '/': a path, relative to the child's working directory.
     *                    Without: searched for in PATH, of the environment below if there
     *                    is one, or else as the caller has it
     * @param arguments   those after argument 0, which is the program as it was named
     * @param environment nothing: the caller's
     * @return the child, which is that of the process that made the builder, and which
     *         that process alone can wait for; there are no pipes
     * @throws SpawnError with the errors of kspawn_builder_start_np(); at Step::prepare,
     *         EINVAL: a NUL in a string, a '=' in the name of a variable or an empty one
     */
    [[nodiscard]] Child start(const std::string& program, std::vector<std::string> arguments = {},
                              const std::optional<Variables>& environment = {}) const;
    /**
     * The same, by error code.
     *
     * @param[out] error cleared after success
     * @return the child, or an empty one
     */
    [[nodiscard]] Child start(const std::string& program, std::vector<std::string> arguments,
                              const std::optional<Variables>& environment,
                              std::error_code& error) const;

private:
    FileDescriptor descriptor_;
    pid_t pid_ = 0;
};

} // namespace kspawn

#endif // KSPAWN_BUILDER_HPP
