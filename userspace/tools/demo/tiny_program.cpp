// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tiny_program.hpp"

#include <elf.h>
#include <fcntl.h>
#include <kspawn/file_descriptor.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <system_error>

namespace kspawn::tool {

namespace {

struct Image {
    Elf64_Ehdr header{};
    Elf64_Phdr segment{};
    // xor %edi,%edi; mov $60,%eax; syscall
    std::array<unsigned char, 9> code{0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05};
};

Image image() {
    constexpr Elf64_Addr base = 0x400000;
    Image made;
    const std::array<unsigned char, 7> identity{ELFMAG0,    ELFMAG1,     ELFMAG2,   ELFMAG3,
                                                ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
    std::ranges::copy(identity, std::begin(made.header.e_ident));
    made.header.e_type = ET_EXEC;
    made.header.e_machine = EM_X86_64;
    made.header.e_version = EV_CURRENT;
    made.header.e_entry = base + offsetof(Image, code);
    made.header.e_phoff = offsetof(Image, segment);
    made.header.e_ehsize = sizeof(Elf64_Ehdr);
    made.header.e_phentsize = sizeof(Elf64_Phdr);
    made.header.e_phnum = 1;
    made.segment.p_type = PT_LOAD;
    made.segment.p_flags = PF_R | PF_X;
    made.segment.p_vaddr = base;
    made.segment.p_filesz = sizeof(Image);
    made.segment.p_memsz = sizeof(Image);
    made.segment.p_align = 0x1000;
    return made;
}

} // namespace

void write_tiny_program(const std::string& path) {
    FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700));
    if (!file)
        throw std::system_error(errno, std::generic_category(), path);
    const auto bytes = image();
    file.write_all({reinterpret_cast<const char*>(&bytes), sizeof(bytes)});
}

} // namespace kspawn::tool
