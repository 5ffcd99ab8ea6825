// SPDX-License-Identifier: LGPL-2.1-or-later
// A child that exists before its program does: what is missing is told by the operation
// that misses it, put right, and tried again, and the same child becomes the program.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <kspawn/builder.hpp>

namespace {

namespace fs = std::filesystem;

void build(const fs::path& directory) {
    const kspawn::Builder builder({.close_other_descriptors = true});
    builder.chdir(directory);
    try {
        builder.chdir("job");
    } catch (const kspawn::SpawnError& error) {
        std::cout << "not yet: " << error.what() << '\n';
        fs::create_directory(directory / "job");
        builder.chdir("job");
    }
    std::error_code error;
    kspawn::Child child = builder.start("./tool", {}, {}, error);
    if (error) {
        std::cout << "not yet: " << kspawn_strfailure() << '\n';
        std::ofstream(directory / "job/tool") << "#!/bin/sh\necho the tool says: \"$1\"\n";
        ::chmod((directory / "job/tool").c_str(), 0755);
    }
    // The child is a process: /proc shows what has been done to it.
    const auto seen = fs::read_symlink("/proc/" + std::to_string(builder.pid()) + "/cwd");
    std::cout << "it is in " << seen.filename().native() << std::endl;
    child = builder.start("./tool", {"ready"});
    std::cout << child.wait().to_string() << '\n';
}

} // namespace

int main() {
    std::string name = fs::temp_directory_path() / "builder-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
        return 1;
    int status = 0;
    try {
        build(name);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        status = 1;
    }
    fs::remove_all(name);
    return status;
}
