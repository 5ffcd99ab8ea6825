// SPDX-License-Identifier: LGPL-2.1-or-later
#include "paths.hpp"

#include <fmt/format.h>
#include <linux/magic.h>

#include <algorithm>
#include <iterator>

namespace kspawn::trace {

namespace {

// Magic numbers of file systems that cannot be mounted; <linux/magic.h> knows only one.
constexpr std::uint32_t pipe_fs = 0x50495045;
constexpr std::uint32_t socket_fs = 0x534f434b;
constexpr std::uint32_t pid_fs = 0x50494446;

} // namespace

std::string path_of(const trace_descriptor_record& record) {
    switch (record.magic) {
    case pipe_fs:
        return "pipe:";
    case socket_fs:
        return "socket:";
    case ANON_INODE_FS_MAGIC:
        return fmt::format("anon_inode:{}", std::data(record.path[0]));
    case pid_fs:
        return "pidfd:";
    default:
        break;
    }
    std::string path;
    const auto parts = std::min<std::uint32_t>(record.depth, TRACE_PATH_PARTS);
    for (std::uint32_t part = 0; part < parts; part++)
        path.insert(0, fmt::format("/{}", std::data(record.path[part])));
    if (record.depth > TRACE_PATH_PARTS)
        path.insert(0, "...");
    return path.empty() ? "/" : path;
}

} // namespace kspawn::trace
