# SPDX-License-Identifier: LGPL-2.1-or-later
# helpers/libc_user.c with the library as it is compiled for other versions of glibc,
# and for musl.  Two files depend on the version; the rest is the archive's.
set(library_directory ${PROJECT_SOURCE_DIR}/userspace/lib)
set(helpers_directory ${PROJECT_BINARY_DIR}/tests/lib/helpers)
add_custom_target(lib_helper_libc_users)

foreach(minor this 28 31 34)
    set(target lib_helper_libc_user_${minor})
    add_executable(${target} helpers/libc_user.c)
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME libc_user RUNTIME_OUTPUT_DIRECTORY ${helpers_directory})
    target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    if(NOT minor STREQUAL this)
        target_sources(${target} PRIVATE
            ${library_directory}/failure.cpp ${library_directory}/libc_backend.cpp)
        kspawn_cxx(${target})
        target_compile_options(${target} PRIVATE
            $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti>)
        target_compile_definitions(${target} PRIVATE KSPAWN_AS_IF_GLIBC_2=${minor})
        set_target_properties(${target} PROPERTIES OUTPUT_NAME libc_user_glibc_2_${minor})
    endif()
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/userspace/include)
    target_link_libraries(${target} PRIVATE $<TARGET_FILE:kspawn_static>)
    add_dependencies(${target} kspawn_static)
    add_dependencies(lib_helper_libc_users ${target})
endforeach()

# There is no C++ library for musl, and none is needed: the library uses headers only.
find_program(KSPAWN_MUSL_GCC musl-gcc REQUIRED)
string(REPLACE gnu musl musl_architecture "${CMAKE_LIBRARY_ARCHITECTURE}")
find_path(KSPAWN_MUSL_INCLUDE features.h
    PATHS /usr/include/${musl_architecture} NO_DEFAULT_PATH REQUIRED)
set(musl_cxx_flags -nostdinc -nostdinc++)
set(musl_late_flags)
set(musl_kernel_flags)
foreach(directory IN LISTS CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    if(directory MATCHES "c\\+\\+")
        list(APPEND musl_cxx_flags -isystem ${directory})
    elseif(directory MATCHES "/(gcc|clang|llvm)")
        list(APPEND musl_late_flags -isystem ${directory})
    else()
        list(APPEND musl_kernel_flags -idirafter ${directory}) # <linux/...>
    endif()
endforeach()
list(APPEND musl_cxx_flags -isystem ${KSPAWN_MUSL_INCLUDE} ${musl_late_flags} ${musl_kernel_flags}
    -include ${CMAKE_CURRENT_SOURCE_DIR}/musl/glibc_words.hpp
    -D_GNU_SOURCE -std=c++20 -O2 -fno-exceptions -fno-rtti
    -I${PROJECT_SOURCE_DIR}/userspace/include -I${PROJECT_SOURCE_DIR})
get_target_property(library_sources kspawn_objects SOURCES)
set(musl_objects)
foreach(source IN LISTS library_sources)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/musl/${source}.o)
    add_custom_command(OUTPUT ${object}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/musl
        COMMAND ${CMAKE_CXX_COMPILER} ${musl_cxx_flags} -MD -MF ${object}.d
            -c ${library_directory}/${source} -o ${object}
        DEPENDS ${library_directory}/${source} musl/glibc_words.hpp
        DEPFILE ${object}.d VERBATIM)
    list(APPEND musl_objects ${object})
endforeach()
add_custom_command(OUTPUT ${helpers_directory}/libc_user_musl
    COMMAND ${CMAKE_COMMAND} -E make_directory ${helpers_directory}
    COMMAND ${KSPAWN_MUSL_GCC} -std=gnu99 -O2 ${KSPAWN_C_WARNINGS} -D_GNU_SOURCE -static
        -I${PROJECT_SOURCE_DIR}/userspace/include ${musl_kernel_flags}
        -o ${helpers_directory}/libc_user_musl
        ${CMAKE_CURRENT_SOURCE_DIR}/helpers/libc_user.c ${musl_objects}
    DEPENDS helpers/libc_user.c ${musl_objects} VERBATIM)
add_custom_target(lib_helper_libc_user_musl DEPENDS ${helpers_directory}/libc_user_musl)
add_dependencies(lib_helper_libc_users lib_helper_libc_user_musl)
