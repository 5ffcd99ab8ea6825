// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spawner.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ostream>
#include <string_view>

namespace kspawn::test {

std::string why_unusable() {
    kspawn_support support{};
    kspawn_query(&support, sizeof(support));
    if (support.error == 0)
        return {};
    return fmt::format("{} cannot be used: {} ({})", support.device, std::strerror(support.error),
                       support.reason);
}

bool through_libc() {
    const char* const backend = std::getenv("KSPAWN_TEST_BACKEND");
    return backend != nullptr && std::string_view(backend) == "libc";
}

int Spawner::start(const std::string& path, const std::vector<std::string>& arguments) {
    const Strings argv{arguments.empty() ? std::vector<std::string>{path} : arguments};
    return kspawn_spawn(&pid, path.c_str(), actions.get(), attributes.get(), argv.get(),
                        environment.get());
}

int Spawner::start_child(const std::vector<std::string>& arguments) {
    std::vector<std::string> all{"child"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return start(helper("child"), all);
}

Json Spawner::report() {
    const int error = start_child({"report", scratch.file("report")});
    if (error != 0) {
        ADD_FAILURE() << "not started: " << kspawn_strfailure();
        return {};
    }
    const int code = exit_code_of(pid);
    if (code != 0) {
        ADD_FAILURE() << "the child ended with " << code;
        return {};
    }
    return read_report(scratch.read("report"));
}

void Spawner::flags(int flags) {
    ASSERT_EQ(kspawn_spawnattr_setflags(attributes.get(), static_cast<short>(flags)), 0);
}

bool Spawner::cannot_through_libc(const std::string& feature) {
    if (!through_libc())
        return false;
    EXPECT_EQ(start_child({"exit", "0"}), ENOTSUP);
    // If nobody wanted libc, then why it was not the kernel.
    const std::string why = kspawn_get_backend() == KSPAWN_BACKEND_LIBC
                                ? "libc cannot do this"
                                : "libc cannot do this; /dev/kspawn: is the module kspawn loaded?";
    EXPECT_EQ(last_failure().words, feature + ": Operation not supported (" + why + ")");
    return true;
}

unsigned long long signal_bits(const Json& report, const char* field) {
    return std::stoull(report.at("status").at(field).get<std::string>(), nullptr, 16);
}

Failure last_failure() {
    const auto* const failure = kspawn_last_failure();
    if (failure == nullptr)
        return {};
    return {failure->error, failure->step, failure->index, kspawn_strfailure()};
}

void PrintTo(const Failure& failure, std::ostream* stream) {
    *stream << fmt::format("error {} ({}), step {}, index {}: \"{}\"", failure.error,
                           std::strerror(failure.error), failure.step, failure.index,
                           failure.words);
}

} // namespace kspawn::test
