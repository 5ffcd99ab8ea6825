// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deeds.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "lib/descriptor.hpp"

namespace kspawn::trace {

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Deed::count)> words{
    "",
    "fork()",
    "execve()",
    "an exit",
    "prctl()",
    "mmap()",
    "munmap()",
    "mprotect()",
    "mremap()",
    "process_vm_writev()",
    "a write to /proc/PID/mem",
    "open()",
    "close()",
    "fcntl(F_SETFD)",
    "dup2()"};

constexpr std::size_t number(Deed deed) {
    return static_cast<std::size_t>(deed);
}

// At the same address in the child; written to from the parent.
char there = 0;

/// A word of shared memory: the child sets its bits, its parent reads them.
class Told {
public:
    Told()
        : told_(static_cast<unsigned*>(::mmap(nullptr, sizeof(unsigned), PROT_READ | PROT_WRITE,
                                              MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
    Told(const Told&) = delete;
    Told& operator=(const Told&) = delete;
    Told(Told&&) = delete;
    Told& operator=(Told&&) = delete;
    ~Told() {
        if (*this)
            ::munmap(told_, sizeof(unsigned));
    }
    explicit operator bool() const { return told_ != MAP_FAILED; }
    void tell(Deed deed, bool done) { *told_ |= done ? 1U << number(deed) : 0; }
    [[nodiscard]] unsigned bits() const { return *told_; }

private:
    unsigned* told_;
};

// After fork(): only system calls.
void work_on_memory(Told& told) {
    const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    told.tell(Deed::map, page != MAP_FAILED);
    if (page == MAP_FAILED)
        return;
    told.tell(Deed::protect, ::mprotect(page, size, PROT_READ) == 0);
    if (void* const moved = ::mremap(page, size, 2 * size, MREMAP_MAYMOVE); moved != MAP_FAILED) {
        told.tell(Deed::remap, true);
        page = moved;
    }
    told.tell(Deed::unmap, ::munmap(page, size) == 0);
}

void work_on_descriptors(Told& told) {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    told.tell(Deed::open, null >= 0);
    if (null < 0)
        return;
    told.tell(Deed::mark, ::fcntl(null, F_SETFD, FD_CLOEXEC) == 0);
    told.tell(Deed::duplicate,
              ::dup2(null, STDOUT_FILENO) >= 0 && ::dup2(null, STDERR_FILENO) >= 0);
    const int other = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    told.tell(Deed::close, other >= 0 && ::close(other) == 0);
}

// The program is this one, which is there in any root; it says its version to nobody.
[[noreturn]] void be_child(Told& told, int go) {
    char byte = 0;
    while (::read(go, &byte, 1) < 0 && errno == EINTR) {
    }
    work_on_memory(told);
    work_on_descriptors(told);
    told.tell(Deed::credentials, ::prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) == 0);
    std::array<char, 13> name{"kspawn-trace"};
    std::array<char, 10> version{"--version"};
    const std::array<char*, 3> arguments{name.data(), version.data(), nullptr};
    ::execv("/proc/self/exe", arguments.data());
    ::_exit(1);
}

bool write_pages(pid_t child) {
    char byte = 1;
    const iovec from{&byte, 1};
    const iovec to{&there, 1};
    return ::process_vm_writev(child, &from, 1, &to, 1, 0) == 1;
}

bool write_memory(pid_t child) {
    const internal::Descriptor memory{
        ::open(fmt::format("/proc/{}/mem", child).c_str(), O_RDWR | O_CLOEXEC)};
    const char byte = 1;
    return memory && ::pwrite(memory.get(), &byte, 1,
                              static_cast<off_t>(reinterpret_cast<std::uintptr_t>(&there))) == 1;
}

} // namespace

std::string_view words_of(Deed deed) {
    return words.at(number(deed));
}

Deeds do_each_once() {
    std::array<int, 2> pipe{};
    Told told;
    if (!told || ::pipe2(pipe.data(), O_CLOEXEC) != 0)
        return {};
    const internal::Descriptor wait_for{pipe[0]};
    internal::Descriptor go{pipe[1]};
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(go.release()); // or its read() would not end
        be_child(told, wait_for.get());
    }
    if (child < 0)
        return {};
    told.tell(Deed::fork, true);
    told.tell(Deed::write_pages, write_pages(child));
    told.tell(Deed::write_memory, write_memory(child));
    go = internal::Descriptor{}; // the child goes on
    int status = 0;
    pid_t ended = 0;
    while ((ended = ::waitpid(child, &status, 0)) < 0 && errno == EINTR) {
    }
    const bool well = ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    told.tell(Deed::exec, well);
    told.tell(Deed::exit, well);
    return Deeds{told.bits()};
}

} // namespace kspawn::trace
