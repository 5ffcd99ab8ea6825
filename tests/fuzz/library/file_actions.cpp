// SPDX-License-Identifier: LGPL-2.1-or-later
// Builds a list of file actions, and compares it with what was asked for.
#include "lib/file_actions.hpp"

#include <fcntl.h>
#include <kspawn/spawn.h>

#include <cerrno>
#include <string>
#include <vector>

#include "bytes.hpp"

namespace {

struct Expected {
    unsigned op = 0;
    int fd = 0;
    int newfd = 0;
    int oflag = 0;
    mode_t mode = 0;
    std::string path;
};

int add(kspawn_spawn_file_actions_t& actions, const Expected& one) {
    switch (one.op) {
    case KSPAWN_ACTION_OPEN:
        return kspawn_spawn_file_actions_addopen(&actions, one.fd, one.path.c_str(), one.oflag,
                                                 one.mode);
    case KSPAWN_ACTION_CLOSE:
        return kspawn_spawn_file_actions_addclose(&actions, one.fd);
    case KSPAWN_ACTION_DUP2:
        return kspawn_spawn_file_actions_adddup2(&actions, one.fd, one.newfd);
    case KSPAWN_ACTION_CHDIR:
        return kspawn_spawn_file_actions_addchdir(&actions, one.path.c_str());
    case KSPAWN_ACTION_FCHDIR:
        return kspawn_spawn_file_actions_addfchdir(&actions, one.fd);
    case KSPAWN_ACTION_CLOSEFROM:
        return kspawn_spawn_file_actions_addclosefrom_np(&actions, one.fd);
    case KSPAWN_ACTION_PASS:
        return kspawn_spawn_file_actions_addpass_np(&actions, one.fd, one.newfd, one.oflag);
    default:
        return kspawn_spawn_file_actions_addtcsetpgrp_np(&actions, one.fd);
    }
}

Expected read(fuzz::Bytes& bytes) {
    Expected one;
    one.op = 1 + bytes.byte() % 8U;
    if (one.op == 8)
        one.op = KSPAWN_ACTION_PASS;
    if (one.op != KSPAWN_ACTION_CHDIR)
        one.fd = bytes.byte() % 4U != 0 ? bytes.byte() : bytes.number();
    if (one.op == KSPAWN_ACTION_DUP2 || one.op == KSPAWN_ACTION_PASS)
        one.newfd = bytes.number();
    if (one.op == KSPAWN_ACTION_PASS)
        one.oflag = bytes.byte() % 2U != 0 ? O_CLOEXEC : 0;
    if (one.op == KSPAWN_ACTION_OPEN) {
        one.oflag = bytes.number();
        one.mode = static_cast<mode_t>(bytes.number());
    }
    if (one.op == KSPAWN_ACTION_OPEN || one.op == KSPAWN_ACTION_CHDIR)
        one.path = bytes.string();
    return one;
}

// Beside O_PATH few flags have a meaning.
unsigned flags_of(const Expected& one) {
    const unsigned known = (one.oflag & O_PATH) != 0
                               ? O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
                               : kspawn::internal::file_actions::known_open_flags;
    return static_cast<unsigned>(one.oflag) & known;
}

// A mode has no meaning where nothing is created.
mode_t mode_of(const Expected& one) {
    const auto flags = flags_of(one);
    const bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    return creates ? one.mode & 07777U : 0;
}

bool same(const kspawn_action& action, const Expected& one) {
    const auto* const path = reinterpret_cast<const char*>(action.path);
    return action.op == one.op && action.fd == one.fd && action.newfd == one.newfd &&
           action.oflag == flags_of(one) && action.mode == mode_of(one) &&
           (path == nullptr ? one.op != KSPAWN_ACTION_OPEN && one.op != KSPAWN_ACTION_CHDIR
                            : path == one.path);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Bytes bytes({data, size});
    kspawn_spawn_file_actions_t actions;
    fuzz::require(kspawn_spawn_file_actions_init(&actions) == 0);
    std::vector<Expected> expected;
    while (!bytes.empty()) {
        // The path is the caller's, and gone after the call.
        const auto one = read(bytes);
        const int error = add(actions, one);
        if (error == 0)
            expected.push_back(one);
        else // out of range
            fuzz::require(error == EBADF && one.op != KSPAWN_ACTION_CHDIR);
    }
    const auto made = kspawn::internal::file_actions::actions_of(actions);
    fuzz::require(made.size() == expected.size());
    for (std::size_t i = 0; i < made.size(); ++i)
        fuzz::require(same(made[i], expected[i]));
    fuzz::require(kspawn_spawn_file_actions_destroy(&actions) == 0);
    return 0;
}
