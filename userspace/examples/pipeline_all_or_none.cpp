// SPDX-License-Identifier: LGPL-2.1-or-later
// A pipeline whose first program destroys what the last one is to keep must not begin unless
// all of its programs can.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include <kspawn/pipeline.hpp>

namespace {

using kspawn::Command;
using kspawn::Stdio;

// Moves the lines of one file into another, sorted; the first program empties its source.
kspawn::Pipeline moving(const std::filesystem::path& directory, const std::string& sorter) {
    const auto from = (directory / "inbox").native();
    return kspawn::pipeline({Command("/bin/sh").args({"-c", "cat \"$0\" && : > \"$0\"", from}),
                             Command(sorter).env("LC_ALL", "C"),
                             Command("cat").stdout_to(Stdio::append(directory / "archive"))})
        .all_or_none()
        .pipefail();
}

std::string contents(const std::filesystem::path& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
}

void move_lines(const std::filesystem::path& directory) {
    std::ofstream(directory / "inbox") << "pear\napple\n";
    try {
        (void)moving(directory, "/no/such/sort").exit_status();
    } catch (const kspawn::SpawnError& error) {
        std::cout << "not moved: " << error.what() << '\n';
    }
    std::cout << "the inbox still has " << contents(directory / "inbox").size() << " bytes\n";
    const auto status = moving(directory, "sort").exit_status();
    std::cout << "moved: " << status.to_string() << '\n' << contents(directory / "archive");
}

} // namespace

int main() {
    std::string name = std::filesystem::temp_directory_path() / "pipeline-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
        return 1;
    int status = 0;
    try {
        move_lines(name);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        status = 1;
    }
    std::filesystem::remove_all(name);
    return status;
}
