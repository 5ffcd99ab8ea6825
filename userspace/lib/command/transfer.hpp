// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef KSPAWN_LIB_COMMAND_TRANSFER_HPP
#define KSPAWN_LIB_COMMAND_TRANSFER_HPP

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <kspawn/file_descriptor.hpp>

namespace kspawn::internal {

/// Writes to some pipes and reads from others at once, so that nobody waits
/// for somebody who waits for him.  A pipe is closed when it is done with.
class Transfer {
public:
    Transfer();

    /// @param pipe an empty one is passed over
    void write(FileDescriptor& pipe, std::string_view data);
    void read(FileDescriptor& pipe, std::string& data);

    /// Up to the end of all of them.  A pipe that nobody reads any more is done.
    void run(std::error_code& error);

private:
    struct Stream {
        FileDescriptor pipe;
        std::string_view output; // left to write
        std::string* input;      // where to put what is read; null: a pipe to write to
    };

    void step(Stream& stream, std::error_code& error);
    static void write_some(Stream& stream, std::error_code& error);
    void read_some(Stream& stream, std::error_code& error);

    std::vector<Stream> streams_;
    std::vector<std::byte> buffer_;
};

} // namespace kspawn::internal

#endif
