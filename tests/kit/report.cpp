// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report.hpp"

#include <fcntl.h>

#include <array>
#include <charconv>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace kspawn::test {

namespace {

std::string latin1(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        if (value < 0x80) {
            text += byte;
        } else {
            text += static_cast<char>(0xc0U | value >> 6U);
            text += static_cast<char>(0x80U | (value & 0x3fU));
        }
    }
    return text;
}

std::vector<std::string> split(const std::string& text, char end) {
    std::vector<std::string> parts;
    std::istringstream stream{text};
    for (std::string part; std::getline(stream, part, end);)
        parts.push_back(part);
    return parts;
}

// A number if it is one.
Json value_of(const std::string& word) {
    long long number = 0;
    const char* const end = word.data() + word.size();
    const auto [rest, error] = std::from_chars(word.data(), end, number);
    return error == std::errc{} && rest == end ? Json(number) : Json(word);
}

// "NAME VALUE NAME VALUE"
Json pairs(const std::string& text) {
    Json result = Json::object();
    std::istringstream words{text};
    for (std::string name, value; words >> name >> value;)
        result[name] = value_of(value);
    return result;
}

// "NAME:\tVALUE\n"
Json status(const std::string& text) {
    Json result = Json::object();
    for (const auto& line : split(text, '\n')) {
        const auto colon = line.find(':');
        const auto value = line.find_first_not_of(" \t", colon + 1);
        if (colon != std::string::npos)
            result[line.substr(0, colon)] = value == std::string::npos ? "" : line.substr(value);
    }
    return result;
}

// The name in field 2 may hold anything, a ')' too.
Json stat_fields(const std::string& text) {
    const auto end = text.rfind(')');
    if (end == std::string::npos)
        return text;
    Json result{value_of(text.substr(0, text.find(' '))), text.substr(0, end + 1)};
    std::istringstream words{text.substr(end + 1)};
    for (std::string word; words >> word;)
        result.push_back(value_of(word));
    return result;
}

// The first words of a line.
template <std::size_t count>
std::array<std::string, count> words_of(std::istream& line) {
    std::array<std::string, count> words;
    for (auto& word : words)
        line >> word;
    return words;
}

Json descriptors(const std::string& text) {
    Json result = Json::object();
    for (const auto& line : split(text, '\n')) {
        std::istringstream stream{line};
        const auto words = words_of<10>(stream);
        std::string target;
        std::getline(stream.ignore(), target);
        result[words[0]] = {{"flags", std::stoul(words[1], nullptr, 8)},
                            {"cloexec", (std::stoi(words[2]) & FD_CLOEXEC) != 0},
                            {"device", std::stoull(words[3])},
                            {"inode", std::stoull(words[4])},
                            {"mode", std::stoul(words[5], nullptr, 8)},
                            {"size", std::stoll(words[6])},
                            {"owner", std::stoul(words[7])},
                            {"offset", std::stoll(words[8])},
                            {"foreground", std::stoll(words[9])},
                            {"target", target}};
    }
    return result;
}

Json dispositions(const std::string& text) {
    Json result = Json::object();
    for (const auto& line : split(text, '\n')) {
        std::istringstream stream{line};
        const auto words = words_of<4>(stream);
        result[words[0]] = {{"handler", words[1]}, {"flags", words[2]}, {"mask", words[3]}};
    }
    return result;
}

// Real, effective and saved, of four.
Json three_ids(const Json& status, const char* name) {
    std::istringstream words{status.at(name).get<std::string>()};
    std::array<unsigned, 3> ids{};
    for (auto& id : ids)
        words >> id;
    return ids;
}

Json value_of(std::string_view name, const std::string& text) {
    if (name == "argv" || name == "env")
        return split(text, '\0');
    if (name == "fds")
        return descriptors(text);
    if (name == "dispositions")
        return dispositions(text);
    if (name == "status")
        return status(text);
    if (name == "stat")
        return stat_fields(text);
    for (const char* const one : {"ids", "scheduling", "itimers", "prctl", "namespaces"})
        if (name == one)
            return pairs(text);
    return text;
}

} // namespace

Json read_report(std::string_view text) {
    Json report;
    for (std::string name; name != "end";) {
        const auto space = text.find(' ');
        const auto line = text.find('\n');
        std::size_t size = 0;
        if (space < line)
            std::from_chars(text.data() + space + 1, text.data() + line, size);
        if (line == std::string_view::npos || text.size() - line - 1 <= size)
            throw std::runtime_error("not the whole of a report");
        name = text.substr(0, space);
        report[name == "fds" ? "descriptors" : name] =
            value_of(name, latin1(text.substr(line + 1, size)));
        text.remove_prefix(line + 1 + size + 1);
    }
    report.erase("end");
    report.update(Json(report.at("ids")));
    const auto& status = report.at("status");
    report["ids"] = {{"uid", three_ids(status, "Uid")}, {"gid", three_ids(status, "Gid")}};
    report["umask"] = std::stoul(status.at("Umask").get<std::string>(), nullptr, 8);
    return report;
}

} // namespace kspawn::test
