# Compiler and linker flags for every target of the house, probed one by one: a compiler that lacks one goes on
# without it.
include(CheckCXXCompilerFlag)
include(CheckLinkerFlag)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")

function(redoubt_flag flag)
  string(MAKE_C_IDENTIFIER "HAVE${flag}" name)
  check_cxx_compiler_flag("${flag}" ${name})
  if(${name})
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:${flag}>")
  endif()
endfunction()

function(redoubt_link_flag flag)
  string(MAKE_C_IDENTIFIER "HAVE_LINK${flag}" name)
  check_linker_flag(CXX "${flag}" ${name})
  if(${name})
    add_link_options("${flag}")
  endif()
endfunction()

foreach(flag -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
        -Wold-style-cast -Wimplicit-fallthrough
        -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -ftrivial-auto-var-init=zero)
  redoubt_flag(${flag})
endforeach()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports every moved std::variant of containers; locals are zeroed by -ftrivial-auto-var-init in any case.
  add_compile_options(-Wno-maybe-uninitialized)
endif()
add_compile_definitions(_GLIBCXX_ASSERTIONS)
if(DEFINED ENV{CI})
  set(REDOUBT_WERROR_DEFAULT ON)
endif()
option(REDOUBT_WERROR "warnings are errors" ${REDOUBT_WERROR_DEFAULT})
if(REDOUBT_WERROR)
  add_compile_options(-Werror)
endif()

set(REDOUBT_SANITIZE "" CACHE STRING "value of -fsanitize")
if(REDOUBT_SANITIZE)
  add_compile_options(-fsanitize=${REDOUBT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${REDOUBT_SANITIZE})
else()
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  endif()
  add_compile_options(-fPIE)
  add_link_options(-pie)
endif()
redoubt_link_flag(-Wl,-z,relro)
redoubt_link_flag(-Wl,-z,now)
redoubt_link_flag(-Wl,-z,noexecstack)
redoubt_link_flag(-Wl,--as-needed)
redoubt_link_flag(-Wl,--build-id=sha1)

option(REDOUBT_FUZZ "build libFuzzer targets (clang)" OFF)
if(REDOUBT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Two clones in different folders give the same bytes. ccache gives the compiler relative paths, so these are mapped too: the bytes
# must not depend on whether it is there.
file(RELATIVE_PATH redoubt_relative_source ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR})
string(REGEX REPLACE "/$" "" redoubt_relative_source "${redoubt_relative_source}")
# The last map that fits wins: the build folder stands inside the sources.
add_compile_options("-ffile-prefix-map=${redoubt_relative_source}=." "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=."
                    "-ffile-prefix-map=${CMAKE_BINARY_DIR}=build")
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib/redoubt")

find_program(REDOUBT_MOLD mold)
if(REDOUBT_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
# ccache leaves the maps of paths out of its keys: whoever changes them above counts the namespace up, or gets objects with old names.
find_program(REDOUBT_CCACHE ccache)
if(REDOUBT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_NAMESPACE=redoubt-paths-2 CCACHE_SLOPPINESS=pch_defines,time_macros ${REDOUBT_CCACHE})
endif()
