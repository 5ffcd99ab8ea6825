// SPDX-License-Identifier: LGPL-2.1-or-later
/// The common parts of the tests of kspawn::Command.
#ifndef KSPAWN_TESTS_COMMAND_KIT_HPP
#define KSPAWN_TESTS_COMMAND_KIT_HPP

#include <gtest/gtest.h>
#include <kspawn/command.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include "kit/process.hpp"
#include "kit/scratch.hpp"

namespace kit {

using kspawn::test::read_file;
using kspawn::test::Scratch;

/// Our open descriptors, but for the one that the library keeps.
std::vector<int> open_descriptors();

/// Whether this process has a child, running or not.
bool has_children();

/// sh -c SCRIPT
kspawn::Command shell(const std::string& script);

/// Whether the module starts programs here, and not libc.
bool by_kernel();

/// A test that leaves no descriptor and no child behind, whatever it does.
class Tidy : public ::testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

private:
    std::vector<int> before_;
};

} // namespace kit

#endif
