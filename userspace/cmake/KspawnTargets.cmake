# SPDX-License-Identifier: LGPL-2.1-or-later
# How every C++ target of ours is compiled.
include_guard(GLOBAL)

# kspawn_cxx(TARGET): C++20, our warnings, the ABI header in reach.
function(kspawn_cxx target)
    set_target_properties(${target} PROPERTIES
        CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
        CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    # Set here: a variable of the directory that includes this first is in no other.
    set(warnings
        -Wall -Wextra -Wpedantic ${KSPAWN_ERRORS}
        -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wcast-align -Wcast-qual
        -Wformat=2 -Wundef -Wdouble-promotion -Wimplicit-fallthrough
        -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi -Wmissing-declarations)
    # GCC 12 sees copies that overlap in std::string, of which there are none.
    list(APPEND warnings $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${warnings}>")
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    # Seen as a system header: what it includes is the kernel's.
    target_include_directories(${target} SYSTEM PRIVATE ${PROJECT_SOURCE_DIR})
endfunction()

# kspawn_cxx_quickly(TARGET): for targets that parse options and format text.  With -Og -g1 GCC
# takes half the time for the templates of CLI11 and fmt, and less than with -O1 or -Os.
function(kspawn_cxx_quickly target)
    target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-Og> $<$<CONFIG:RelWithDebInfo>:-g1>)
endfunction()

# kspawn_cxx_precompile(TARGET HEADER...): the headers that cost the most, compiled once for the
# target.  Its sources include what they use all the same: KSPAWN_PRECOMPILE=OFF shows it.
function(kspawn_cxx_precompile target)
    if(KSPAWN_PRECOMPILE)
        list(TRANSFORM ARGN REPLACE "(.+)" "$<$<COMPILE_LANGUAGE:CXX>:<\\1$<ANGLE-R>>" OUTPUT_VARIABLE headers)
        target_precompile_headers(${target} PRIVATE ${headers})
    endif()
endfunction()
