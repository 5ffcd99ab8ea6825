// SPDX-License-Identifier: LGPL-2.1-or-later
#include "doctor.hpp"

#include <fmt/format.h>
#include <kspawn/backend.h>
#include <kspawn/command.hpp>
#include <kspawn/spawn.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "exit_code.hpp"
#include "lib/seccomp.hpp"

namespace kspawn::tool {

namespace {

namespace fs = std::filesystem;

enum class Severity { good, note, bad };

/// Prints one finding; what to do about it goes on lines of its own.
class Diagnosis {
public:
    void add(Severity severity, std::string_view subject, std::string_view finding,
             std::string_view advice = {}) {
        static constexpr std::array<std::string_view, 3> marks{"ok", "note", "FAIL"};
        fmt::print("{:<5} {:<10} {}\n", marks.at(static_cast<std::size_t>(severity)), subject,
                   finding);
        if (!advice.empty())
            fmt::print("{:<17}-> {}\n", "", advice);
        usable_ = usable_ && severity != Severity::bad;
    }
    [[nodiscard]] bool usable() const { return usable_; }

private:
    bool usable_ = true;
};

std::string text_of(const fs::path& file) {
    std::ifstream stream{file};
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text;
}

std::string kernel_release() {
    utsname names{};
    ::uname(&names);
    return static_cast<const char*>(names.release);
}

bool is_there(const fs::path& path) {
    std::error_code error;
    return fs::exists(path, error);
}

bool module_loaded() {
    return is_there("/sys/module/kspawn");
}

// Beside the tool in a build tree, where `make` leaves one for each kernel.
std::optional<fs::path> built_module(const std::string& release) {
    std::error_code error;
    const auto self = fs::read_symlink("/proc/self/exe", error);
    auto module = self.parent_path() / "module" / release / "kspawn.ko";
    if (error || !is_there(module))
        return {};
    return module;
}

bool module_installed(const std::string& release) {
    const fs::path modules = fs::path("/lib/modules") / release;
    for (const auto* const place : {"extra", "updates", "updates/dkms"}) {
        for (const auto* const name : {"kspawn.ko", "kspawn.ko.xz", "kspawn.ko.zst"}) {
            if (is_there(modules / place / name))
                return true;
        }
    }
    return false;
}

std::string how_to_load(const std::string& release) {
    if (module_installed(release))
        return "as root: modprobe kspawn";
    if (const auto module = built_module(release))
        return fmt::format("as root: insmod {}", module->string());
    if (is_there(fs::path("/lib/modules") / release / "build"))
        return "build the module in kspawn's source tree (make module) and insert it";
    return fmt::format("install the headers of this kernel (on Debian: apt-get install "
                       "linux-headers-{}), build the module and insert it",
                       release);
}

// The series that the module is tested with: qemu/kernels/table.
std::vector<std::string> tested_series() {
    std::istringstream names{KSPAWN_TESTED_KERNELS};
    return {std::istream_iterator<std::string>{names}, {}};
}

void check_kernel(Diagnosis& diagnosis, const std::string& release) {
    const auto series = tested_series();
    const auto is_of = [&release](const std::string& one) {
        return release.starts_with(one + ".");
    };
    if (std::any_of(series.begin(), series.end(), is_of))
        diagnosis.add(Severity::good, "kernel", release);
    else
        diagnosis.add(Severity::note, "kernel", release,
                      fmt::format("the module is tested with {}; another may not build or not load",
                                  fmt::join(series, " and ")));
}

// Settings that keep modules out; of interest only without ours.
void check_obstacles(Diagnosis& diagnosis) {
    if (text_of("/proc/sys/kernel/modules_disabled") == "1")
        diagnosis.add(Severity::bad, "loading",
                      "kernel.modules_disabled is 1: no module can be loaded",
                      "it stays so until the next boot; insert the module before it is set");
    const auto lockdown = text_of("/sys/kernel/security/lockdown");
    if (lockdown.find("[integrity]") != std::string::npos ||
        lockdown.find("[confidentiality]") != std::string::npos)
        diagnosis.add(Severity::note, "loading", "the kernel is locked down (" + lockdown + ")",
                      "only signed modules can be loaded: sign it, or switch off Secure Boot");
    else if (text_of("/sys/module/module/parameters/sig_enforce") == "Y")
        diagnosis.add(Severity::note, "loading", "the kernel takes signed modules only",
                      "sign the module with a key that the kernel trusts");
}

void check_module(Diagnosis& diagnosis, const std::string& release) {
    if (module_loaded()) {
        diagnosis.add(Severity::good, "module", "loaded");
        return;
    }
    diagnosis.add(Severity::bad, "module", "not loaded", how_to_load(release));
    check_obstacles(diagnosis);
}

std::string describe_device(const char* device) {
    struct stat status {};
    if (::stat(device, &status) != 0)
        return device; // opened before it went out of sight
    return fmt::format("{}, mode {:04o}, owner {}:{}", device,
                       static_cast<unsigned>(status.st_mode & 07777U), status.st_uid,
                       status.st_gid);
}

std::string device_advice(int error) {
    switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return module_loaded() ? "the device is not in this /dev (a container?): let it in, e.g. "
                                 "docker run --device /dev/kspawn"
                               : "it appears when the module is loaded";
    case EACCES:
        return "load the module with mode=0666, or let this user in with a udev rule";
    case EPERM:
        return "a device cgroup or a filter on ioctl() forbids it: allow the device";
    case EPROTO:
        return "library and module are of different versions: update the older one";
    default:
        return "";
    }
}

void check_device(Diagnosis& diagnosis, const kspawn_support& support) {
    const auto device = describe_device(support.device);
    if (support.error == 0 || support.step != KSPAWN_STEP_DEVICE) {
        diagnosis.add(Severity::good, "device", device);
        diagnosis.add(Severity::good, "ABI", fmt::format("{}", support.module_abi));
        return;
    }
    if (support.error == EPROTO) {
        diagnosis.add(
            Severity::bad, "ABI",
            fmt::format("the module does not speak that of this library, {}", support.library_abi),
            device_advice(EPROTO));
        return;
    }
    diagnosis.add(
        Severity::bad, "device",
        fmt::format("{}: {} ({})", support.device, std::strerror(support.error), support.reason),
        device_advice(support.error));
}

void check_seccomp(Diagnosis& diagnosis, const kspawn_support& support) {
    const bool filtered = internal::under_seccomp();
    if (support.step == KSPAWN_STEP_POLICY && !filtered)
        diagnosis.add(Severity::bad, "caller",
                      std::string(support.reason) + ", and the module refuses such callers");
    else if (support.step == KSPAWN_STEP_POLICY)
        diagnosis.add(Severity::bad, "seccomp",
                      "this process is under seccomp, and the module refuses such callers",
                      "start kspawn's callers without a filter, e.g. docker run --security-opt "
                      "seccomp=unconfined");
    else
        diagnosis.add(Severity::good, "seccomp", "this process is not under seccomp");
}

// The proof: ourselves, once more.
void check_trial(Diagnosis& diagnosis) {
    kspawn_set_backend(KSPAWN_BACKEND_KERNEL);
    try {
        auto child = Command("/proc/self/exe")
                         .arg0("kspawn")
                         .arg("--version")
                         .stdout_to(Stdio::null())
                         .spawn();
        const auto status = child.wait();
        if (status.success())
            diagnosis.add(Severity::good, "trial", fmt::format("started process {}", child.pid()));
        else
            diagnosis.add(Severity::bad, "trial",
                          fmt::format("started process {}, which ended with status {:#x}",
                                      child.pid(), status.wait_status()));
    } catch (const SpawnError&) {
        diagnosis.add(Severity::bad, "trial", kspawn_strfailure());
    }
}

} // namespace

int doctor() {
    Diagnosis diagnosis;
    const auto release = kernel_release();
    check_kernel(diagnosis, release);
    check_module(diagnosis, release);
    kspawn_support support{};
    kspawn_query(&support, sizeof(support));
    check_device(diagnosis, support);
    check_seccomp(diagnosis, support);
    if (support.error == 0)
        check_trial(diagnosis);
    fmt::print("\n{}\n", diagnosis.usable() ? "Programs can be started through the kernel."
                                            : "Programs cannot be started through the kernel.");
    return diagnosis.usable() ? exit_ok : exit_unusable;
}

} // namespace kspawn::tool
