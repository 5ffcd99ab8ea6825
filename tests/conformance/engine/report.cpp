// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report.hpp"

#include <sys/stat.h>

#include <cctype>

#include "kit/report.hpp"

namespace conformance {

namespace {

using nlohmann::json;

std::string bytes_of(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return bytes;
}

// Sections that the report has in another shape, or for other tests.
constexpr const char* passed_over[] = {
    "argc", "cmdline", "device", "environ", "execfn", "parents_pgid",
    "pgid", "pid",     "ppid",   "sid",     "tid",
};

// Lines of /proc/self/status.
constexpr const char* passed_over_of_status[] = {
    "State",
    "Tgid",
    "Ngid",
    "Pid",
    "PPid",
    "TracerPid",
    "NStgid",
    "NSpid",
    "NSpgid",
    "NSsid",
    "VmPeak",
    "VmSize",
    "VmHWM",
    "VmRSS",
    "RssAnon",
    "RssFile",
    "RssShmem",
    "VmData",
    "VmStk",
    "VmExe",
    "VmLib",
    "VmPTE",
    "VmSwap",
    "voluntary_ctxt_switches",
    "nonvoluntary_ctxt_switches",
    "SigQ",
    "FDSize",
};

// Fields of /proc/self/stat, as proc(5) counts them.
constexpr std::pair<unsigned, const char*> fields_of_stat[] = {
    {9, "flags"},        {18, "priority"},          {19, "nice"},   {20, "threads"},
    {38, "exit signal"}, {40, "realtime priority"}, {41, "policy"},
};

json relation(const json& report, const json& group) {
    if (group < 0)
        return group;
    if (group == 0)
        return "none";
    if (group == report.at("pid"))
        return "own";
    if (group == report.at("parents_pgid"))
        return "parent's";
    return group == report.at("ppid") ? "parent" : "another";
}

// Numbers in names that say only when something was made.
std::string without_number(const std::string& target) {
    if (target.starts_with("/dev/pts/"))
        return "/dev/pts/N";
    const auto bracket = target.find('[');
    if (target.starts_with('/') || bracket == std::string::npos ||
        std::isdigit(static_cast<unsigned char>(target[bracket + 1])) == 0)
        return target;
    return target.substr(0, bracket) + "[N]";
}

json descriptor(const json& report, json one) {
    if (!S_ISREG(one.at("mode").get<mode_t>())) {
        one["mode"] = one.at("mode").get<mode_t>() & S_IFMT;
        one.erase("size");
        one.erase("owner");
    }
    // Others have numbers that are never the same twice.
    if (one.at("device") != std::stoull(report.at("device").get<std::string>()))
        one.erase("inode");
    one.erase("device");
    one["target"] = without_number(one.at("target"));
    one["foreground"] = relation(report, one.at("foreground"));
    return one;
}

json stat(const json& fields) {
    if (!fields.is_array())
        return fields;
    json result;
    for (const auto& [number, name] : fields_of_stat)
        result[name] = fields.at(number - 1);
    result["terminal"] = fields.at(6) == 0 ? "none" : "some";
    return result;
}

} // namespace

json comparable_report(const std::string& hex) {
    const auto report = kspawn::test::read_report(bytes_of(hex));
    auto result = report;
    for (const char* const name : passed_over)
        result.erase(name);
    for (const char* const name : passed_over_of_status)
        result["status"].erase(name);
    // Each starter has a mount namespace of its own.
    result["namespaces"].erase("mnt");
    result["stat"] = stat(report.at("stat"));
    for (auto& one : result["descriptors"])
        one = descriptor(report, one);
    result["process group"] = relation(report, report.at("pgid"));
    result["session"] = relation(report, report.at("sid"));
    return result;
}

} // namespace conformance
