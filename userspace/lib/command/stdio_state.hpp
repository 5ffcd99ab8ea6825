// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_COMMAND_STDIO_STATE_HPP
#define KSPAWN_LIB_COMMAND_STDIO_STATE_HPP

#include <kspawn/stdio.hpp>

#include <filesystem>
#include <memory>

#include "access.hpp"

namespace kspawn {

struct KSPAWN_HIDDEN Stdio::State {
    enum class Kind {
        inherit,
        if_open,
        closed,
        file,
        descriptor,
        same_as,
        pipe,
        pipe_to,
        pipe_from,
        contents, // what Command::input() says, or /dev/null
        given     // by a pipeline, before anything else is done
    };

    /// One of a kind of which there is no more to say.
    static Stdio of_kind(Kind kind) {
        State state;
        state.kind = kind;
        return make(std::move(state));
    }
    static Stdio make(State state) {
        return internal::Access::make<Stdio>(std::make_shared<const State>(std::move(state)));
    }

    Kind kind = Kind::inherit;
    int number = -1; // descriptor, same_as
    int oflag = 0;
    mode_t mode = 0;
    std::filesystem::path path{};
    std::shared_ptr<FileDescriptor> owned{};
};

} // namespace kspawn

#endif
