// SPDX-License-Identifier: LGPL-2.1-or-later
#include "module_advice.hpp"

#include <fmt/format.h>
#include <kspawn/spawn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "whole_file.hpp"

namespace kspawn::tool {

namespace {

namespace fs = std::filesystem;

constexpr const char* modules = "/lib/modules";

// The directory of this program: a build directory, or bin/ of a prefix.
fs::path own_directory() {
    std::error_code error;
    return fs::read_symlink("/proc/self/exe", error).parent_path();
}

/// A file with the module, and the kernel that it was built for.
struct ModuleFile {
    fs::path path;
    std::string release;
};

// A compressed one is not read: its directory says the release.
bool is_compressed(const fs::path& path) {
    return path.extension() != ".ko";
}

// Where DKMS, `make modules_install` and distributions put modules from outside the tree.
std::optional<ModuleFile> installed_module(const std::string& release) {
    for (const auto* const place : {"updates/dkms", "updates", "extra"}) {
        for (const auto* const name :
             {"kspawn.ko", "kspawn.ko.xz", "kspawn.ko.zst", "kspawn.ko.gz"}) {
            const auto path = fs::path(modules) / release / place / name;
            if (is_there(path))
                return ModuleFile{path, release};
        }
    }
    return {};
}

// "vermagic=6.1.0-41-amd64 SMP ..." is one of the strings in a module.
std::string release_of(const fs::path& module) {
    constexpr std::string_view key = "vermagic=";
    const auto content = text_of(module);
    const auto at = content.find(key);
    if (at == std::string::npos)
        return "";
    const auto begin = at + key.size();
    return content.substr(begin, content.find_first_of(std::string_view(" \0", 2), begin) - begin);
}

// In a build directory: of `make module-own`, and of `make` for the guests.
std::vector<ModuleFile> built_modules(const std::string& release) {
    std::vector<ModuleFile> found;
    for (const auto& path : {own_directory() / "own" / "kspawn.ko",
                             own_directory() / "module" / release / "kspawn.ko"}) {
        if (is_there(path))
            found.push_back({path, release_of(path)});
    }
    return found;
}

bool is_signed(const fs::path& module) {
    return is_compressed(module) || text_of(module).ends_with("~Module signature appended~");
}

std::string distribution() {
    std::string names;
    const auto text = '\n' + text_of("/etc/os-release") + '\n';
    for (const std::string_view key : {"\nID=", "\nID_LIKE="}) {
        if (const auto at = text.find(key); at != std::string::npos) {
            const auto begin = at + key.size();
            names += text.substr(begin, text.find('\n', begin) - begin) + ' ';
        }
    }
    std::replace(names.begin(), names.end(), '"', ' ');
    return ' ' + names;
}

/// One family of distributions, and how it installs what is needed.
struct Family {
    std::string_view name;
    std::string_view headers; // {} is the release
    std::string_view dkms;
};

constexpr std::array<Family, 5> families{{
    {"debian", "apt-get install linux-headers-{}", "apt-get install dkms"},
    {"ubuntu", "apt-get install linux-headers-{}", "apt-get install dkms"},
    {"fedora", "dnf install kernel-devel-{}", "dnf install dkms"},
    {"arch", "pacman -S linux-headers", "pacman -S dkms"},
    {"suse", "zypper install kernel-default-devel", "zypper install dkms"},
}};

const Family* family() {
    const auto names = distribution();
    const auto* const known = std::ranges::find_if(families, [&](const Family& one) {
        return names.find(fmt::format(" {} ", one.name)) != std::string::npos;
    });
    return known == families.end() ? nullptr : known;
}

Advice install_headers(const std::string& release) {
    // A container's, or that of a virtual machine's owner: no package here has its headers.
    if (!is_there(fs::path(modules) / release))
        return {"", fmt::format("Linux {} is not installed on this machine, so no package has its "
                                "headers: boot a kernel of the distribution's, or build the "
                                "module where this kernel was built",
                                release)};
    const auto* const one = family();
    if (one == nullptr)
        return {"", fmt::format("install the package with the headers of Linux {}", release)};
    return {as_root(fmt::format(fmt::runtime(one->headers), release)), ""};
}

bool has_command(const char* name) {
    return std::ranges::any_of(
        std::array{"/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"},
        [&](const char* directory) { return is_there(fs::path(directory) / name); });
}

// The source of the module as `make install` leaves it.
std::optional<fs::path> dkms_source() {
    const auto name = fmt::format("kspawn-{}", kspawn_version());
    for (const auto& directory :
         {fs::path("/usr/src") / name, own_directory().parent_path() / "src" / name}) {
        if (is_there(directory / "dkms.conf"))
            return directory;
    }
    return {};
}

// DKMS signs what it builds.
Advice by_dkms(const fs::path& source) {
    const auto* const one = family();
    if (has_command("dkms"))
        return {as_root(fmt::format("dkms install {}", source.string())), ""};
    if (one == nullptr)
        return {"", "install DKMS"};
    return {as_root(std::string(one->dkms)), ""};
}

std::optional<fs::path> source_tree() {
    const auto tree = own_directory().parent_path();
    if (is_there(tree / "Kbuild") && is_there(tree / "scripts" / "module-own"))
        return tree;
    return {};
}

Advice build_module(const std::string& release) {
    if (!is_there(fs::path(modules) / release / "build" / "Makefile"))
        return install_headers(release);
    if (const auto tree = source_tree())
        return {fmt::format("make -C {} module-own", tree->string()), ""};
    if (const auto source = dkms_source())
        return by_dkms(*source);
    return {"", "get the source of kspawn and build the module in it: make module-own"};
}

Advice sign(const ModuleFile& module) {
    constexpr const char* key = "/var/lib/dkms/mok.key";
    const auto tool = fs::path(modules) / module.release / "build" / "scripts" / "sign-file";
    if (is_there(key) && is_there(tool))
        return {as_root(fmt::format("{} sha256 {} /var/lib/dkms/mok.pub {}", tool.string(), key,
                                    module.path.string())),
                ""};
    if (const auto source = dkms_source())
        return by_dkms(*source);
    return {"", fmt::format("sign {} with a key that is enrolled (mokutil --list-enrolled)",
                            module.path.string())};
}

} // namespace

std::string as_root(const std::string& command) {
    return ::geteuid() == 0 ? command : "sudo " + command;
}

bool wants_signature() {
    const auto lockdown = text_of("/sys/kernel/security/lockdown");
    return lockdown.find("[integrity]") != std::string::npos ||
           lockdown.find("[confidentiality]") != std::string::npos ||
           text_of("/sys/module/module/parameters/sig_enforce") == "Y";
}

std::string module_for_another_kernel(const std::string& release) {
    const auto describe = [](const ModuleFile& module) {
        return fmt::format("{} is for Linux {}", module.path.string(), module.release);
    };
    if (installed_module(release))
        return "";
    std::string other;
    for (const auto& module : built_modules(release)) {
        if (module.release == release)
            return "";
        other = describe(module);
    }
    std::error_code error;
    for (const auto& directory : fs::directory_iterator(modules, error)) {
        if (const auto module = installed_module(directory.path().filename());
            module && other.empty())
            other = describe(*module);
    }
    return other;
}

Advice how_to_load(const std::string& release) {
    std::vector<ModuleFile> candidates;
    const auto installed = installed_module(release);
    if (installed)
        candidates.push_back(*installed);
    for (const auto& module : built_modules(release)) {
        if (module.release == release)
            candidates.push_back(module);
    }
    if (candidates.empty())
        return build_module(release);
    const auto& module = candidates.front();
    if (wants_signature() && !is_signed(module.path))
        return sign(module);
    if (installed)
        return {as_root("modprobe kspawn"), ""};
    return {as_root(fmt::format("insmod {}", module.path.string())), ""};
}

} // namespace kspawn::tool
