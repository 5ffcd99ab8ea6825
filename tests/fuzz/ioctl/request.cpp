// SPDX-License-Identifier: LGPL-2.1-or-later
#include "request.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace fuzz {

namespace {

// Room behind a structure for a larger one of a later version.
constexpr std::size_t larger = KSPAWN_SIZE_MAX;

} // namespace

std::uint64_t RequestReader::bad_pointer() {
    const auto guard = reinterpret_cast<std::uint64_t>(memory_.guard());
    switch (reader_.below(8)) {
    case 0:
        return 0;
    case 1:
        return guard;
    case 2: // begins where one may read, ends where one may not
        return guard - 1 - reader_.byte();
    case 3:
        return 1;
    case 4:
        return 0x00007ffffffffff8;
    case 5:
        return 0xffffffff81000000;
    case 6:
        return 0x8000000000000000;
    default:
        return reader_.number(8);
    }
}

std::uint64_t RequestReader::put(const void* data, std::size_t size) {
    auto* const to = memory_.place(size, reader_.one_in(8));
    if (to == nullptr)
        return bad_pointer();
    std::memcpy(to, data, size);
    return reinterpret_cast<std::uint64_t>(to);
}

std::uint64_t RequestReader::string(const std::string& text) {
    if (reader_.one_in(40))
        return bad_pointer();
    // Without its NUL it runs into what follows.
    return put(text.c_str(), text.size() + (reader_.one_in(40) ? 0 : 1));
}

std::uint64_t RequestReader::program() {
    const auto& programs = names_.programs;
    switch (reader_.below(12)) {
    default:
        return string(programs + "/tiny");
    case 4:
        return string("tiny");
    case 5:
        return string(programs + "/script");
    case 6:
        return string(programs + "/empty");
    case 7:
        return string("/no/such/program");
    case 8:
        return string(programs);
    case 9:
        return string("");
    case 10:
        return string(std::string(reader_.number(2) % 8192, 'p'));
    case 11:
        return string(reader_.one_of<const char*>(
            {"/proc/self/fd/4", "/proc/thread-self/fd/64/tiny", "/dev/fd/65"}));
    }
}

std::uint64_t RequestReader::search() {
    switch (reader_.below(8)) {
    default:
        return 0;
    case 4:
        return string(names_.programs);
    case 5:
        return string("/no/such:" + names_.programs + "::/etc");
    case 6: {
        std::string list;
        for (auto n = reader_.byte(); n > 0; --n)
            list += "/no/such/directory:";
        return string(list + names_.programs);
    }
    case 7:
        return string(std::string(reader_.number(3) % (2UL * KSPAWN_SEARCH_MAX), ':'));
    }
}

std::uint64_t RequestReader::list() {
    if (reader_.one_in(8))
        return bad_pointer();
    std::vector<std::uint64_t> strings;
    const std::size_t count = reader_.one_in(20) ? reader_.number(2) % 6000 : reader_.below(6);
    for (std::size_t i = 0; i < count; ++i)
        strings.push_back(i < 6 ? string(std::string(reader_.byte(), 's')) : strings[i % 6]);
    if (!reader_.one_in(40))
        strings.push_back(0);
    return put(strings.data(), strings.size() * sizeof(strings[0]));
}

std::uint64_t RequestReader::path_of_action() {
    // The path that always opens is there three times.
    static constexpr const char* paths[] = {
        "/dev/null", "/dev/null", "/dev/null",    "file", "new",
        ".",         "/",         "missing/file", "",     "/proc/self/fd/0"};
    const auto which = reader_.below(12);
    if (which < std::size(paths))
        return string(paths[which]);
    return string(which == 11 ? names_.programs + "/tiny"
                              : std::string(reader_.number(2) % 8192, 'a'));
}

int RequestReader::descriptor() {
    switch (reader_.below(8)) {
    default:
        return static_cast<int>(reader_.below(10));
    case 5:
        return static_cast<int>(60 + reader_.below(10));
    case 6:
        return reader_.one_of({-1, 255, 256, 1023, 1024, 0x7fffffff, -0x7fffffff - 1});
    case 7:
        return static_cast<int>(reader_.number(4));
    }
}

// Mostly where the child is; else a directory, or anything that may be open.
int RequestReader::directory() {
    if (!reader_.one_in(4))
        return AT_FDCWD;
    return reader_.one_of({5, 64, 64, descriptor()});
}

// A struct open_how, of which openat2() refuses what means nothing.
void RequestReader::how(kspawn_action& action) {
    const auto creating = reader_.one_in(3);
    if (creating) {
        action.oflag = reader_.one_of<std::uint64_t>(
            {O_WRONLY | O_CREAT, O_WRONLY | O_CREAT | O_TRUNC, O_RDWR | O_TMPFILE});
        action.mode = reader_.number(2) & 07777;
    } else {
        action.oflag = reader_.one_of<std::uint64_t>(
            {O_RDONLY, O_RDWR, O_PATH, O_RDONLY | O_CLOEXEC, O_RDONLY | O_DIRECTORY});
    }
    if (reader_.one_in(4))
        action.resolve =
            reader_.byte() & (RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
                              RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED);
    if (reader_.one_in(30)) {
        action.oflag = reader_.number(8);
        action.mode = reader_.number(8);
        action.resolve = reader_.number(8);
    }
}

kspawn_action RequestReader::action() {
    kspawn_action action{};
    action.op = 1 + reader_.below(9);
    switch (action.op) {
    case KSPAWN_ACTION_OPEN:
        action.fd = descriptor();
        action.dirfd = directory();
        action.path = path_of_action();
        how(action);
        break;
    case KSPAWN_ACTION_CHDIR:
        action.dirfd = directory();
        action.path = path_of_action();
        break;
    case KSPAWN_ACTION_DUP2:
    case KSPAWN_ACTION_CLOSE_RANGE:
        action.newfd = descriptor();
        [[fallthrough]];
    default:
        action.fd = descriptor();
    }
    if (reader_.one_in(30))
        patch(&action, sizeof(action));
    return action;
}

void RequestReader::actions(kspawn_args& args) {
    if (!reader_.one_in(2))
        return;
    const std::size_t count = reader_.one_in(30) ? reader_.number(2) % 1000 : reader_.below(7);
    std::size_t size = sizeof(kspawn_action);
    if (reader_.one_in(10))
        size = reader_.one_of<std::size_t>({56, 64, 47, 0, larger, larger + 1});
    std::vector<std::uint8_t> bytes(std::max(size, sizeof(kspawn_action)) * count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto one = action();
        std::memcpy(&bytes[i * size], &one, std::min(sizeof(one), bytes.size() - i * size));
    }
    args.actions = put(bytes.data(), size * count);
    args.action_count = static_cast<unsigned>(count);
    args.action_size = static_cast<unsigned>(size);
    if (reader_.one_in(30))
        args.actions = bad_pointer();
}

void RequestReader::attributes(kspawn_args& args) {
    if (!reader_.one_in(2))
        return;
    args.attr_flags = static_cast<unsigned>(reader_.number(2));
    if (!reader_.one_in(4))
        args.attr_flags &= KSPAWN_ATTR_ALL;
    const auto has = [&](unsigned flag) {
        // A field without its flag is refused; now and then that is wanted.
        return (args.attr_flags & flag) != 0 || reader_.one_in(60);
    };
    if (has(KSPAWN_ATTR_SETPGROUP))
        args.pgroup = reader_.one_of({0, 0, 0, 1, -1, 0x7fffffff});
    if (has(KSPAWN_ATTR_SETSIGDEF))
        args.sigdefault = reader_.one_in(2) ? ~0ULL : reader_.number(8);
    if (has(KSPAWN_ATTR_SETSIGMASK))
        args.sigmask = reader_.one_in(2) ? ~0ULL : reader_.number(8);
    if (has(KSPAWN_ATTR_SETSIGIGN))
        args.sigignore = reader_.one_in(2) ? ~0ULL : reader_.number(8);
    if (has(KSPAWN_ATTR_SETSCHEDULER))
        args.sched_policy = reader_.one_of({0, 3, 5, 1, 2, 6, 7, -1, 0x40000000});
    if (has(KSPAWN_ATTR_SETSCHEDULER | KSPAWN_ATTR_SETSCHEDPARAM))
        args.sched_priority = reader_.one_of({0, 0, 1, 99, 100, -1});
    if (has(KSPAWN_ATTR_SETCGROUP))
        args.cgroup = reader_.one_in(2) ? descriptor() : names_.cgroup;
}

void RequestReader::result(kspawn_args& args) {
    std::size_t size = sizeof(kspawn_result);
    if (reader_.one_in(8))
        size = reader_.one_of<std::size_t>({0, 23, 32, larger, larger + 1});
    if (reader_.one_in(20)) {
        args.result_size = static_cast<unsigned>(size);
        args.result = bad_pointer();
        return;
    }
    auto* const to = memory_.place(std::max(size, sizeof(kspawn_result)), reader_.one_in(4));
    args.result = reinterpret_cast<std::uint64_t>(to);
    args.result_size = static_cast<unsigned>(size);
}

// Where a number is to be stored besides, or nowhere.
std::uint64_t RequestReader::place_for(std::size_t size) {
    if (reader_.one_in(20))
        return bad_pointer();
    return reinterpret_cast<std::uint64_t>(memory_.place(size, reader_.one_in(8)));
}

// Mostly flags with what belongs to each.
void RequestReader::flags(kspawn_args& args) {
    args.dirfd = AT_FDCWD;
    if (reader_.one_in(3))
        args.flags |= KSPAWN_PIDFD;
    if ((args.flags & KSPAWN_PIDFD) != 0 && reader_.one_in(3))
        args.pidfd = place_for(sizeof(int));
    if (reader_.one_in(3))
        args.pid = place_for(sizeof(int));
    switch (reader_.below(4)) {
    case 0:
        args.flags |= KSPAWN_ASYNC;
        args.completion =
            reader_.one_in(16) ? reader_.one_of({67, descriptor()}) : names_.completion;
        args.cookie = reader_.number(8);
        break;
    case 1:
        args.flags |= KSPAWN_WAIT;
        if (reader_.one_in(2))
            args.rusage = place_for(sizeof(rusage));
        break;
    default:
        break;
    }
    if (args.search == 0 && reader_.one_in(8))
        args.dirfd = directory();
    if (args.search == 0 && reader_.one_in(8)) {
        args.flags |= KSPAWN_EMPTY_PATH;
        if (reader_.one_in(2)) {
            args.path = string("");
            args.dirfd = 4;
        }
    }
    if (reader_.one_in(30))
        args.flags = reader_.byte();
}

// Change a few bytes, whatever they mean.
void RequestReader::patch(void* data, std::size_t size) {
    for (auto times = 1 + reader_.below(3); times > 0; --times)
        static_cast<std::uint8_t*>(data)[reader_.byte() % size] = reader_.byte();
}

std::vector<Meddling> RequestReader::meddling() {
    std::vector<Meddling> plan;
    if (!reader_.one_in(4))
        return plan;
    for (auto count = 1 + reader_.below(4); count > 0; --count) {
        using Kind = Meddling::Kind;
        Meddling one{};
        one.kind = reader_.one_of(
            {Kind::flip, Kind::flip, Kind::copy, Kind::unmap, Kind::protect, Kind::discard});
        // The parts that matter are in the first pages, and at the end.
        one.where = static_cast<std::uint32_t>(reader_.number(2) % (2 * Memory::page));
        if (reader_.one_in(4))
            one.where = static_cast<std::uint32_t>(Memory::size - 1 - one.where);
        one.other = static_cast<std::uint32_t>(reader_.number(2));
        one.pause = static_cast<std::uint32_t>(reader_.byte()) * 4;
        plan.push_back(one);
    }
    return plan;
}

Request RequestReader::spawn() {
    Request request;
    kspawn_args args{};
    // First, so that meddling finds it in a place that it knows.
    auto* const to = memory_.place(sizeof(args) + larger, reader_.one_in(8));
    args.size = sizeof(args);
    if (reader_.one_in(8))
        args.size =
            reader_.one_of<unsigned>({160, 0, 151, larger, larger + 1, ~0U, sizeof(args) + larger});
    args.path = program();
    args.search = search();
    flags(args);
    args.argv = list();
    args.envp = list();
    actions(args);
    attributes(args);
    result(args);
    if (reader_.one_in(16))
        patch(&args, sizeof(args));
    std::memcpy(to, &args, sizeof(args));
    if (reader_.one_in(16))
        patch(to + sizeof(args), larger); // of a later version
    request.args = args;
    request.argument = reinterpret_cast<std::uint64_t>(to);
    if (reader_.one_in(40))
        request.argument = bad_pointer();
    const auto* const first = memory_.data();
    const auto* const result = reinterpret_cast<const std::uint8_t*>(args.result);
    if (result >= first && result <= first + Memory::size - sizeof(kspawn_result))
        request.result = reinterpret_cast<const kspawn_result*>(result);
    request.meddling = meddling();
    return request;
}

Request RequestReader::info() {
    Request request;
    request.number = KSPAWN_IOC_INFO;
    kspawn_info info{};
    info.size = reader_.one_of<unsigned>({sizeof(info), 39, 48, larger, larger + 1, 0});
    auto* const to = memory_.place(sizeof(info) + larger, reader_.one_in(8));
    std::memcpy(to, &info, sizeof(info));
    request.argument = reader_.one_in(8) ? bad_pointer() : reinterpret_cast<std::uint64_t>(to);
    if (reader_.one_in(8))
        request.number = reader_.one_in(2) ? reader_.number(4) : _IO(KSPAWN_IOC_MAGIC, 2);
    request.meddling = meddling();
    return request;
}

Request RequestReader::completion() {
    Request request;
    request.number = KSPAWN_IOC_COMPLETION;
    kspawn_completion options{};
    options.size = reader_.one_of<unsigned>({sizeof(options), 15, 24, larger, larger + 1, 0});
    options.flags = reader_.one_in(4) ? static_cast<unsigned>(reader_.number(4)) : 0;
    options.capacity = reader_.one_of<unsigned>({1, 2, 0, KSPAWN_EVENTS_MAX, ~0U});
    auto* const to = memory_.place(sizeof(options) + larger, reader_.one_in(8));
    std::memcpy(to, &options, sizeof(options));
    if (reader_.one_in(8))
        patch(to, sizeof(options) + larger);
    request.argument = reader_.one_in(8) ? bad_pointer() : reinterpret_cast<std::uint64_t>(to);
    request.meddling = meddling();
    return request;
}

Request RequestReader::read() {
    switch (reader_.below(64)) {
    case 0:
    case 1:
        return info();
    case 2:
    case 3:
        return completion();
    default:
        return spawn();
    }
}

} // namespace fuzz
