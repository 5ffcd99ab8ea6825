// SPDX-License-Identifier: LGPL-2.1-or-later
// A threaded server of the usual kind: it binds a port that only root may bind, its
// workers start a helper program for each request, and once all is set up it drops its
// privileges.  Nothing here knows of kspawn, and nothing is held up on purpose.
//
// By POSIX setuid() is of the whole process, and by then some worker is mostly in
// posix_spawn(): the child of libc's still is root and runs in the memory of threads that
// are not any more.  kspawn-trace(1) shows it, and that it does not happen where
// kspawn-preload(7) takes the starts to the kernel.
#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <system_error>
#include <thread>
#include <vector>

namespace {

constexpr int workers = 16;
constexpr int requests_of_each = 10;
constexpr in_port_t port = 80;
constexpr id_t nobody = 65534;

std::atomic<int> served = 0;

void check(bool success, const char* what) {
    if (!success)
        throw std::system_error(errno, std::generic_category(), what);
}

void bind_port(int listener) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0,
          "bind");
    check(::listen(listener, SOMAXCONN) == 0, "listen");
}

/// A request is answered by a program of its own, as by CGI.
void serve() {
    static char name[] = "true";
    std::array<char*, 2> argv{name, nullptr};
    pid_t pid = 0;
    errno = ::posix_spawn(&pid, "/bin/true", nullptr, nullptr, argv.data(), environ);
    check(errno == 0, "posix_spawn");
    check(::waitpid(pid, nullptr, 0) == pid, "waitpid");
    served++;
    served.notify_one();
}

void work() {
    for (int i = 0; i < requests_of_each; i++)
        serve();
}

void drop_privileges() {
    check(::setgroups(0, nullptr) == 0, "setgroups");
    check(::setgid(nobody) == 0, "setgid");
    check(::setuid(nobody) == 0, "setuid");
}

} // namespace

int main() {
    try {
        const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        check(listener >= 0, "socket");
        bind_port(listener);
        std::vector<std::jthread> threads;
        threads.reserve(workers);
        for (int i = 0; i < workers; i++)
            threads.emplace_back(work);
        // It works, so it needs to be root no longer.
        served.wait(0);
        drop_privileges();
        threads.clear();
        ::close(listener);
        std::cout << served.load() << " requests served; now user " << ::getuid() << '\n';
    } catch (const std::system_error& error) {
        std::cerr << error.what() << '\n';
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
