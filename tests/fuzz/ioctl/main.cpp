// SPDX-License-Identifier: LGPL-2.1-or-later
// Feeds /dev/kspawn with requests that nobody would make, and holds it to what
// it promises: an error that means something or a child to wait for, and
// nothing left of either.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "coverage.hpp"
#include "input.hpp"
#include "memory.hpp"
#include "request.hpp"
#include "waker.hpp"

namespace {

using fuzz::Input;

struct Options {
    std::uint64_t seed = 1;
    std::uint64_t count = 5000;
    std::string corpus;
    std::string save;
    std::string input;
    std::string helpers;
    bool unprivileged = false;
};

// errno values that user space is not to see.
constexpr int first_internal = 512;
constexpr uid_t somebody = 65432;
constexpr int programs_directory = 64;
constexpr int completion = 66;
constexpr int full_completion = 67;
// After this time an event is one that does not come.
constexpr int patience_ms = 10000;

class Violation : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

int check(int result, const char* what) {
    if (result < 0)
        throw std::system_error(errno, std::generic_category(), what);
    return result;
}

// Its event is never read.
void fill_completion() {
    kspawn_args args{};
    args.size = sizeof(args);
    args.flags = KSPAWN_ASYNC | KSPAWN_EMPTY_PATH;
    args.dirfd = 4;
    args.path = reinterpret_cast<std::uint64_t>("");
    args.completion = full_completion;
    const int pid = check(ioctl(3, KSPAWN_IOC_SPAWN, &args), "a start");
    check(waitpid(pid, nullptr, 0), "waitpid");
}

// Fixed descriptors, so that an input means the same each time: 0 to 2 are
// /dev/null, 3 the device, 4 a program, 5 a directory, 6 a terminal, 7 a pipe,
// 64 the directory of the programs, 66 a completion descriptor, 67 one that is full,
// 68 and 69 namespaces, 70 a pidfd.
void arrange_descriptors(const std::string& programs) {
    const auto at = [](int want, int fd, int flags) {
        check(fd, "a descriptor");
        if (fd != want) {
            check(dup3(fd, want, flags), "dup3");
            close(fd);
        } else if (flags == 0) {
            check(fcntl(fd, F_SETFD, 0), "fcntl");
        }
    };
    at(0, open("/dev/null", O_RDWR | O_CLOEXEC), 0);
    const int device = check(open(KSPAWN_DEVICE, O_RDWR | O_CLOEXEC), KSPAWN_DEVICE);
    at(3, fcntl(device, F_DUPFD_CLOEXEC, 3), O_CLOEXEC);
    if (device != 3)
        close(device);
    at(4, open((programs + "/tiny").c_str(), O_RDONLY | O_CLOEXEC), 0);
    at(5, open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), O_CLOEXEC);
    at(6, open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), 0);
    std::array<int, 2> ends{};
    check(pipe2(ends.data(), O_CLOEXEC), "pipe2");
    at(7, ends[0], 0);
    at(65, ends[1], O_CLOEXEC);
    at(programs_directory, open(programs.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), O_CLOEXEC);
    kspawn_completion options{};
    options.size = sizeof(options);
    options.flags = O_NONBLOCK;
    options.capacity = 4;
    at(completion, ioctl(3, KSPAWN_IOC_COMPLETION, &options), O_CLOEXEC);
    options.capacity = 1;
    at(full_completion, ioctl(3, KSPAWN_IOC_COMPLETION, &options), O_CLOEXEC);
    fill_completion();
    at(68, open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC), O_CLOEXEC);
    at(69, open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), O_CLOEXEC);
    at(70, static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)), O_CLOEXEC);
}

// Files for requests to name, in a mount namespace of our own: a directory
// that can be written to, and the programs, in one that cannot.
std::string arrange_files(const std::string& helpers) {
    const std::filesystem::path here = "/tmp/kspawn-fuzz";
    std::filesystem::remove_all(here);
    std::filesystem::create_directories(here / "programs");
    std::filesystem::create_directories(here / "work");
    std::filesystem::copy_file(helpers + "/tiny", here / "programs/tiny");
    std::ofstream(here / "programs/empty") << "\n";
    std::ofstream(here / "programs/script") << "#!" << (here / "programs/tiny").string() << " x\n";
    std::ofstream(here / "work/file") << "something\n";
    for (const auto* const name : {"programs/tiny", "programs/empty", "programs/script"})
        std::filesystem::permissions(here / name, std::filesystem::perms(0755));
    std::filesystem::permissions(here / "work", std::filesystem::perms(0777));
    check(unshare(CLONE_NEWNS), "unshare");
    check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount private");
    std::string programs = here / "programs";
    check(mount(programs.c_str(), programs.c_str(), nullptr, MS_BIND, nullptr), "mount");
    check(mount(nullptr, programs.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr),
          "mount read-only");
    check(chdir((here / "work").c_str()), "chdir");
    return programs;
}

int open_cgroup() {
    mkdir("/sys/fs/cgroup/kspawn-fuzz", 0755);
    return open("/sys/fs/cgroup/kspawn-fuzz", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

class Fuzzer {
public:
    Fuzzer(const Options& options, const fuzz::Names& names)
        : random_(options.seed), names_(names), meddler_(memory_) {}

    void load(const std::string& path) {
        std::ifstream file(path);
        if (!file)
            throw std::runtime_error(path + ": cannot be read");
        for (std::string line; std::getline(file, line);)
            if (!line.empty() && line[0] != '#')
                corpus_.push_back(fuzz::from_hex(line));
        stored_ = corpus_.size();
    }

    void save(const std::string& path) const {
        std::ofstream file(path);
        file << "# SPDX-License-Identifier: LGPL-2.1-or-later\n"
                "# Inputs of the ioctl fuzzer, in hexadecimal; each reached something new.\n";
        for (const auto& input : corpus_)
            file << fuzz::to_hex(input) << '\n';
        if (!file.flush())
            throw std::runtime_error(path + ": cannot be written");
    }

    void run(std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            auto input = next(i);
            run_one(input);
            if (new_)
                corpus_.push_back(std::move(input));
        }
    }

    void run_one(const Input& input) {
        try {
            try_one(input);
        } catch (const Violation& violation) {
            throw Violation(std::string(violation.what()) + "\ninput " + fuzz::to_hex(input));
        }
    }

    void report(std::ostream& to) const {
        to << calls_ << " ioctls, " << meddled_ << " of them meddled with: " << started_
           << " programs started";
        for (const auto& [error, times] : errors_)
            to << ", " << strerrorname_np(error) << ' ' << times;
        to << "; " << corpus_.size() << " inputs kept, " << corpus_.size() - stored_ << " new";
        to << "; by call:";
        for (const auto& [call, times] : started_by_)
            to << ' ' << call << ' ' << times;
        to << "; " << operations_.size() << " operations done";
        if (coverage_)
            to << "; " << coverage_.places() << " places reached in the caller";
        to << '\n';
    }

    std::uint64_t started() const { return started_; }
    std::size_t kinds_of_failure() const { return errors_.size(); }
    // Plain, asynchronous, start and wait, a completion descriptor, and a builder, an
    // operation on it, its start.
    std::size_t kinds_of_success() const { return started_by_.size(); }
    std::size_t operations_done() const { return operations_.size(); }

private:
    Input next(std::uint64_t number) {
        if (number < stored_)
            return corpus_[number];
        if (corpus_.empty() || random_.one_in(4))
            return fuzz::random_input(random_);
        const auto& one = corpus_[random_.below(corpus_.size())];
        return fuzz::mutated(one, corpus_[random_.below(corpus_.size())], random_);
    }

    // The ioctl itself, and what holds of each.
    int call(int descriptor, const fuzz::Request& request) {
        const bool meddled = !request.meddling.empty();
        if (meddled)
            meddler_.begin(request.meddling);
        coverage_.begin();
        errno = 0;
        const int ret = ioctl(descriptor, request.number, request.argument);
        const int error = errno;
        new_ |= coverage_.end();
        if (meddled)
            meddler_.end();
        ++calls_;
        meddled_ += meddled ? 1 : 0;
        if (ret < 0) {
            ++errors_[error];
            if (error == 0 || error >= first_internal)
                throw Violation("errno " + std::to_string(error));
        } else if (!meddled) {
            for (const auto operation : request.operations)
                new_ |= operations_.insert(operation).second;
        }
        if (!meddled)
            check_ends(request, ret >= 0);
        return ret;
    }

    // The caller's ends of what was made are there after success, and only then.
    static void check_ends(const fuzz::Request& request, bool success) {
        const bool may_be_there =
            success || (request.result != nullptr && request.result->step == KSPAWN_STEP_WAIT);
        for (const auto* const end : request.ends) {
            if (*end == fuzz::no_end || *end == -1)
                continue;
            if (!may_be_there)
                throw Violation("an end of a start that failed");
            if (*end < 8 || close(*end) != 0)
                throw Violation("an end that is none");
        }
    }

    void try_one(const Input& input) {
        memory_.reset();
        new_ = false;
        fuzz::RequestReader reader(memory_, names_, input);
        const auto request = reader.read();
        const bool meddled = !request.meddling.empty();
        const int ret = call(3, request);
        if (ret >= 0 && request.number == KSPAWN_IOC_COMPLETION) {
            check(close(ret), "close of a completion descriptor");
            ++started_by_["completion"];
        } else if (ret >= 0 && request.number == KSPAWN_IOC_BUILDER) {
            if (!meddled)
                ++started_by_["builder"];
            const int pid = meddled || request.result == nullptr ? 0 : request.result->pid;
            build(reader, ret, pid);
        } else if (ret >= 0 && request.misdirected) {
            throw Violation("an operation on what is no builder");
        } else if (ret > 0) {
            ++started_;
            if (!meddled)
                ++started_by_[name_of_call(request.args.flags)];
            end_child(request, ret, meddled);
        }
        if (waitpid(-1, nullptr, __WALL | WNOHANG) != -1 || errno != ECHILD)
            throw Violation("a child that nobody was told of");
        check_descriptors(meddled);
    }

    // Operates a builder, and closes it.  A child that was not started has gone then.
    void build(fuzz::RequestReader& reader, int builder, int pid) {
        bool started = false;
        for (auto steps = reader.steps(); steps > 0; --steps) {
            memory_.reset();
            const auto request = reader.step();
            const bool meddled = !request.meddling.empty();
            const int ret = call(builder, request);
            if (ret < 0)
                continue;
            if (request.misdirected)
                throw Violation("a start by a builder's descriptor");
            if (started)
                throw Violation("an operation on a child that was started");
            started = request.number == KSPAWN_IOC_START;
            if (!meddled)
                ++started_by_[started ? "start" : "apply"];
            if (!started)
                continue;
            ++started_;
            end_child(request, ret, meddled);
        }
        check(close(builder), "close of a builder");
        for (int waited = 0; pid > 0 && !started && kill(pid, 0) == 0; ++waited) {
            if (waited == patience_ms)
                throw Violation("a child that outlives its builder");
            usleep(1000);
        }
    }

    static const char* name_of_call(unsigned flags) {
        if ((flags & KSPAWN_ASYNC) != 0)
            return "asynchronous";
        return (flags & KSPAWN_WAIT) != 0 ? "wait" : "plain";
    }

    // The events that there are, after a wait for one if there may be one.
    static std::vector<kspawn_event> events(int wait_ms) {
        pollfd poller{completion, POLLIN, 0};
        std::vector<kspawn_event> all;
        kspawn_event event{};
        poll(&poller, 1, wait_ms);
        while (read(completion, &event, sizeof(event)) == sizeof(event))
            all.push_back(event);
        return all;
    }

    // The event of a child; those of starts that were meddled with may be there, too.
    static kspawn_event event_of(int pid) {
        for (int waited = 0; waited < patience_ms; ++waited)
            for (const auto& event : events(1))
                if (event.pid == pid)
                    return event;
        throw Violation("no event of an asynchronous start");
    }

    // The event says the same as waitpid().
    static void check_event(const fuzz::Request& request, int pid, bool there) {
        const auto event = event_of(pid);
        if (event.cookie != request.args.cookie)
            throw Violation("the cookie of another start");
        if ((event.error == 0) != there || event.error >= first_internal)
            throw Violation("event with errno " + std::to_string(event.error));
    }

    static void end_child(const fuzz::Request& request, int pid, bool meddled) {
        const auto flags = request.args.flags;
        int status = 0;
        const bool there = waitpid(pid, &status, __WALL) == pid;
        if (meddled) {
            // It may be one of any kind.
            events(there ? 0 : 100);
            return;
        }
        if ((flags & KSPAWN_ASYNC) != 0)
            check_event(request, pid, there);
        else if (there != ((flags & KSPAWN_WAIT) == 0))
            throw Violation(there ? "a child that was waited for" : "no child");
        if (request.result == nullptr)
            return;
        const auto& result = *request.result;
        if (result.pid != pid || result.error != 0 || result.step != KSPAWN_STEP_NONE)
            throw Violation("a child, and a result that does not say so");
        if ((flags & KSPAWN_WAIT) != 0)
            status = result.status;
        if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
            throw Violation("exit status " + std::to_string(WEXITSTATUS(status)));
        if (result.pidfd >= 0 && close(result.pidfd) != 0)
            throw Violation("a pidfd that is none");
    }

    // The first free one is 8 each time; a pidfd whose number was spoilt is there.
    void check_descriptors(bool meddled) {
        const int fd = fcntl(0, F_DUPFD_CLOEXEC, 8);
        close(fd);
        if (fd == first_free_)
            return;
        if (first_free_ < 0)
            first_free_ = fd;
        else if (meddled || fd != first_free_)
            ++lost_;
        // Without a result that can be read nobody knows its number.
        for (int i = first_free_; i < fd; ++i)
            close(i);
    }

    fuzz::Random random_;
    const fuzz::Names& names_;
    fuzz::Memory memory_;
    fuzz::Meddler meddler_;
    fuzz::Coverage coverage_;
    std::vector<Input> corpus_;
    std::size_t stored_ = 0;
    bool new_ = false;
    int first_free_ = -1;
    std::uint64_t calls_ = 0;
    std::uint64_t meddled_ = 0;
    std::uint64_t started_ = 0;
    std::uint64_t lost_ = 0;
    std::map<int, std::uint64_t> errors_;
    std::map<std::string, std::uint64_t> started_by_;
    std::set<unsigned> operations_; // that were in a list that was carried out
};

int fuzz_with(const Options& options) {
    const auto programs = arrange_files(options.helpers);
    arrange_descriptors(programs);
    const fuzz::Names names{programs, open_cgroup(), completion};
    if (options.unprivileged) {
        check(setresgid(somebody, somebody, somebody), "setresgid");
        check(setresuid(somebody, somebody, somebody), "setresuid");
    }
    const fuzz::Waker waker;
    Fuzzer fuzzer(options, names);
    if (!options.input.empty()) {
        fuzzer.run_one(fuzz::from_hex(options.input));
        fuzzer.report(std::cout);
        return 0;
    }
    if (!options.corpus.empty())
        fuzzer.load(options.corpus);
    fuzzer.run(options.count);
    std::cout << "seed " << options.seed << ": ";
    fuzzer.report(std::cout);
    if (!options.save.empty())
        fuzzer.save(options.save);
    // A fuzzer whose every request fails early finds nothing.
    const std::size_t operations = options.unprivileged ? 25 : KSPAWN_ACTION_CLOSE_EXCEPT;
    if (options.count >= 1000 &&
        (fuzzer.started() < options.count / 50 || fuzzer.kinds_of_failure() < 8 ||
         fuzzer.kinds_of_success() < 7 || fuzzer.operations_done() < operations)) {
        std::cerr << "the requests are not what they should be\n";
        return 1;
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        Options options;
        CLI::App app{"Fuzz the ioctl of /dev/kspawn; as root, in a guest."};
        app.add_option("--seed", options.seed, "of the random numbers (1)");
        app.add_option("--count", options.count, "how many ioctls (5000)");
        app.add_option("--corpus", options.corpus, "a file of inputs to begin with");
        app.add_option("--save", options.save, "write what was kept to this file");
        app.add_option("--input", options.input, "only this input, in hexadecimal");
        app.add_option("--helpers", options.helpers, "the directory with tiny")->required();
        app.add_flag("--unprivileged", options.unprivileged, "as an ordinary user");
        CLI11_PARSE(app, argc, argv);
        return fuzz_with(options);
    } catch (const std::exception& error) {
        std::cerr << "fuzz: " << error.what() << '\n';
        return 1;
    }
}
