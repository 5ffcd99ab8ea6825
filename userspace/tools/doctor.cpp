// SPDX-License-Identifier: LGPL-2.1-or-later
#include "doctor.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <kspawn/backend.h>
#include <kspawn/command.hpp>
#include <kspawn/spawn.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "diagnosis.hpp"
#include "exit_code.hpp"
#include "lib/seccomp.hpp"
#include "module_advice.hpp"
#include "whole_file.hpp"

namespace kspawn::tool {

namespace {

std::string kernel_release() {
    utsname names{};
    ::uname(&names);
    return static_cast<const char*>(names.release);
}

bool module_loaded() {
    return is_there("/sys/module/kspawn");
}

// The series that the module is tested with: qemu/kernels/table.
std::vector<std::string> tested_series() {
    std::istringstream names{KSPAWN_TESTED_KERNELS};
    return {std::istream_iterator<std::string>{names}, {}};
}

// "7.1" and "6.13" are newer than "6.12"; "6.12.4" is not.
bool newer_than_all(const std::string& release, const std::vector<std::string>& series) {
    const auto numbers = [](const std::string& text) {
        std::pair<int, int> version{0, 0};
        char dot = 0;
        std::istringstream{text} >> version.first >> dot >> version.second;
        return version;
    };
    return std::ranges::all_of(
        series, [&](const std::string& one) { return numbers(one) < numbers(release); });
}

void check_kernel(Diagnosis& diagnosis, const std::string& release) {
    const auto series = tested_series();
    const auto is_of = [&release](const std::string& one) {
        return release.starts_with(one + ".");
    };
    const auto tested = fmt::format("{}", fmt::join(series, ", "));
    if (std::ranges::any_of(series, is_of))
        diagnosis.add(Severity::good, "kernel", release);
    else if (newer_than_all(release, series))
        diagnosis.add(
            Severity::note, "kernel",
            release + ", newer than those that each change is tested with",
            {"", fmt::format("if the module does not build or load here, boot Linux {}", tested)});
    else
        diagnosis.add(
            Severity::note, "kernel", release,
            {"", fmt::format("the module is tested with {}; another may not build or not load",
                             tested)});
}

// The settings that keep modules out, if any do; of interest only without ours.  Returns
// whether no module at all can be loaded.
bool check_obstacles(Diagnosis& diagnosis) {
    if (text_of("/proc/sys/kernel/modules_disabled") == "1") {
        diagnosis.add(Severity::bad, "loading",
                      "kernel.modules_disabled is 1: no module can be loaded",
                      {as_root("reboot"),
                       "it stays so until the next boot; load the module before it is set"});
        return true;
    }
    if (wants_signature())
        diagnosis.add(Severity::note, "loading",
                      "the kernel takes signed modules only (Secure Boot, or module.sig_enforce)",
                      {"", "the key must be enrolled, that of DKMS by mokutil --import "
                           "/var/lib/dkms/mok.pub and a boot"});
    return false;
}

void check_module(Diagnosis& diagnosis, const std::string& release) {
    if (module_loaded()) {
        diagnosis.add(Severity::good, "module", "loaded");
        return;
    }
    const bool hopeless = check_obstacles(diagnosis);
    const auto other = module_for_another_kernel(release);
    diagnosis.add(Severity::bad, "module", other.empty() ? "not loaded" : "not loaded; " + other,
                  hopeless ? Advice{} : how_to_load(release));
}

// The user whom a command of root's is to let in.
std::string user_name() {
    const auto* const entry = ::getpwuid(::getuid());
    return entry == nullptr ? fmt::format("{}", ::getuid()) : entry->pw_name;
}

// A device whose mode lets a group in is for the members of that group.
Advice let_in(const char* device) {
    struct stat status {};
    if (::stat(device, &status) != 0)
        return {};
    const auto* const group = ::getgrgid(status.st_gid);
    if (status.st_gid != 0 && group != nullptr && (status.st_mode & S_IRGRP) != 0) {
        const auto command = as_root(fmt::format("usermod -aG {} {}", group->gr_name, user_name()));
        return {command, command + ", then log in again"};
    }
    const auto command = as_root(fmt::format("chmod 0666 {}", device));
    return {command, command + "; a udev rule does it at each boot"};
}

std::string describe_device(const char* device) {
    struct stat status {};
    if (::stat(device, &status) != 0)
        return device; // opened before it went out of sight
    return fmt::format("{}, mode {:04o}, owner {}:{}", device,
                       static_cast<unsigned>(status.st_mode & 07777U), status.st_uid,
                       status.st_gid);
}

Advice device_advice(const char* device, int error) {
    switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return {"", module_loaded()
                        ? "the device is not in this /dev (a container?): let it in, e.g. "
                          "docker run --device /dev/kspawn"
                        : "it appears when the module is loaded"};
    case EACCES:
        return let_in(device);
    case EPERM:
        return {"", "a device cgroup or a filter on ioctl() forbids it: allow the device"};
    case EPROTO:
        return {"", "library and module are of different versions: update the older one"};
    default:
        return {};
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
            device_advice(support.device, EPROTO));
        return;
    }
    diagnosis.add(
        Severity::bad, "device",
        fmt::format("{}: {} ({})", support.device, std::strerror(support.error), support.reason),
        device_advice(support.device, support.error));
}

void check_seccomp(Diagnosis& diagnosis, const kspawn_support& support) {
    const bool filtered = internal::under_seccomp();
    if (support.step == KSPAWN_STEP_POLICY && !filtered)
        diagnosis.add(Severity::bad, "caller",
                      std::string(support.reason) + ", and the module refuses such callers");
    else if (support.step == KSPAWN_STEP_POLICY)
        diagnosis.add(Severity::bad, "seccomp",
                      "this process is under seccomp, and the module refuses such callers",
                      {"", "start kspawn's callers without a filter, e.g. docker run "
                           "--security-opt seccomp=unconfined, or a unit without "
                           "SystemCallFilter="});
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

int doctor(bool json) {
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
    if (json)
        diagnosis.print_json();
    else
        diagnosis.print();
    return diagnosis.usable() ? exit_ok : exit_unusable;
}

} // namespace kspawn::tool
