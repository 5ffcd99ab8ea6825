// SPDX-License-Identifier: LGPL-2.1-or-later
#include "next.hpp"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>

// The linker's name for it.
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
extern "C" [[gnu::visibility("hidden")]] void* const _GLOBAL_OFFSET_TABLE_[];

namespace kspawn::preload {

namespace {

constinit std::atomic<const link_map*> own_place{nullptr};

const link_map* ask_for_own_place() noexcept {
    Dl_info info{};
    void* place = nullptr;
    if (::dladdr1(&own_place, &info, &place, RTLD_DL_LINKMAP) == 0)
        return nullptr;
    return static_cast<const link_map*>(place);
}

const link_map* own_map() noexcept {
    const link_map* map = own_place.load(std::memory_order_relaxed);
    if (map != nullptr)
        return map;
    // The x86-64 ABI: the second word is the dynamic linker's, if it binds lazily.
    map = static_cast<const link_map*>(_GLOBAL_OFFSET_TABLE_[1]);
    if (map == nullptr)
        map = ask_for_own_place();
    own_place.store(map, std::memory_order_relaxed);
    return map;
}

// Not strcmp(): to look that up the dynamic linker would search as we do.
bool same(const char* left, const char* right) noexcept {
    while (*left != '\0' && *left == *right) {
        ++left;
        ++right;
    }
    return *left == *right;
}

std::uint32_t hash_of(const char* name) noexcept {
    std::uint32_t hash = 5381;
    for (; *name != '\0'; ++name)
        hash = hash * 33 + static_cast<unsigned char>(*name);
    return hash;
}

/// The names that one object defines.
class Names {
public:
    explicit Names(const link_map& map) noexcept : base_(map.l_addr) {
        for (const auto* entry = map.l_ld; entry->d_tag != DT_NULL; ++entry) {
            switch (entry->d_tag) {
            case DT_GNU_HASH:
                table_ = at<std::uint32_t>(*entry);
                break;
            case DT_SYMTAB:
                symbols_ = at<ElfW(Sym)>(*entry);
                break;
            case DT_STRTAB:
                strings_ = at<char>(*entry);
                break;
            case DT_VERSYM:
                versions_ = at<ElfW(Versym)>(*entry);
                break;
            default:
                break;
            }
        }
    }

    [[nodiscard]] void* find(const char* name, std::uint32_t hash) const noexcept {
        if (table_ == nullptr || symbols_ == nullptr || strings_ == nullptr)
            return nullptr;
        const std::uint32_t buckets = table_[0];
        const std::uint32_t first = table_[1];
        const std::uint32_t words = table_[2];
        constexpr unsigned bits = 64;
        const auto* const filter = reinterpret_cast<const std::uint64_t*>(table_ + 4);
        const auto word = filter[(hash / bits) & (words - 1)];
        if (((word >> (hash % bits)) & (word >> ((hash >> table_[3]) % bits)) & 1U) == 0)
            return nullptr;
        const auto* const bucket = reinterpret_cast<const std::uint32_t*>(filter + words);
        const auto* const chain = bucket + buckets;
        std::uint32_t index = bucket[hash % buckets];
        if (index < first)
            return nullptr;
        for (;; ++index) {
            const auto entry = chain[index - first];
            if ((entry | 1U) == (hash | 1U) && is(name, index))
                return address(symbols_[index]);
            if ((entry & 1U) != 0)
                return nullptr;
        }
    }

private:
    // Made absolute by the dynamic linker, unless the section cannot be written to.
    template <class Type>
    [[nodiscard]] const Type* at(const ElfW(Dyn) & entry) const noexcept {
        const auto value = entry.d_un.d_ptr;
        return reinterpret_cast<const Type*>(value < base_ ? base_ + value : value);
    }

    // The version that a program gets which is linked today.
    [[nodiscard]] bool is(const char* name, std::uint32_t index) const noexcept {
        constexpr unsigned hidden = 0x8000;
        const auto& symbol = symbols_[index];
        return symbol.st_shndx != SHN_UNDEF &&
               (versions_ == nullptr || (versions_[index] & hidden) == 0) &&
               same(strings_ + symbol.st_name, name);
    }

    [[nodiscard]] void* address(const ElfW(Sym) & symbol) const noexcept {
        void* const value = reinterpret_cast<void*>(base_ + symbol.st_value);
        if (ELF64_ST_TYPE(symbol.st_info) != STT_GNU_IFUNC)
            return value;
        return reinterpret_cast<void* (*)()>(value)();
    }

    std::uintptr_t base_;
    const std::uint32_t* table_ = nullptr;
    const ElfW(Sym) * symbols_ = nullptr;
    const char* strings_ = nullptr;
    const ElfW(Versym) * versions_ = nullptr;
};

void* find_between(const link_map* from, const link_map* end, const char* name) noexcept {
    const auto hash = hash_of(name);
    for (; from != end; from = from->l_next) {
        if (void* const found = Names{*from}.find(name, hash))
            return found;
    }
    return nullptr;
}

const link_map* first_of(const link_map* map) noexcept {
    while (map->l_prev != nullptr)
        map = map->l_prev;
    return map;
}

// The first object that has this name, which none but libc has.
const link_map* libc_between(const link_map* from, const link_map* end) noexcept {
    static constexpr const char* name = "gnu_get_libc_version";
    const auto hash = hash_of(name);
    while (from != end && Names{*from}.find(name, hash) == nullptr)
        from = from->l_next;
    return from;
}

// The objects that a search has to go through.  Those that are loaded at the start stay,
// but those that are opened later follow in the list and may go at any moment.
constinit std::atomic<const link_map*> range_begin{nullptr};
constinit std::atomic<const link_map*> range_end{nullptr};

bool find_range() noexcept {
    const auto* const own = own_map();
    if (own == nullptr)
        return false;
    const auto* begin = own->l_next;
    const auto* last = libc_between(begin, nullptr);
    if (last == nullptr) {
        // Not preloaded but opened with dlopen(): what we are linked to is before us.
        begin = first_of(own);
        last = libc_between(begin, own);
        if (last == own)
            return false;
    }
    range_end.store(last->l_next, std::memory_order_relaxed);
    range_begin.store(begin, std::memory_order_release);
    return true;
}

} // namespace

void know_own_place() noexcept {
    static_cast<void>(own_map());
}

void* next_function_if_any(const char* name) noexcept {
    if (range_begin.load(std::memory_order_acquire) == nullptr && !find_range())
        return nullptr;
    return find_between(range_begin.load(std::memory_order_relaxed),
                        range_end.load(std::memory_order_relaxed), name);
}

void* next_function(const char* name) noexcept {
    void* const found = next_function_if_any(name);
    if (found == nullptr) {
        static constexpr char words[] = "libkspawn-preload: no libc found\n";
        static_cast<void>(!::write(STDERR_FILENO, words, sizeof(words) - 1));
        std::abort();
    }
    return found;
}

void* libc_variable(const char* name) noexcept {
    const auto* const own = own_map();
    return own != nullptr ? find_between(first_of(own), nullptr, name) : nullptr;
}

} // namespace kspawn::preload
