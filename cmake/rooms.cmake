# redoubt_room, redoubt_tests, redoubt_program: one static library per folder, named by its path; links only go to
# the same floor or down, which is checked here against cmake/floors.txt.

file(STRINGS ${CMAKE_SOURCE_DIR}/cmake/floors.txt REDOUBT_FLOOR_LINES REGEX "^[0-9]")

# redoubt_floor(PATH FLOOR_VAR ZONE_VAR): floor and zone of a folder by the longest matching prefix.
function(redoubt_floor path floor_var zone_var)
  set(best "")
  foreach(line IN LISTS REDOUBT_FLOOR_LINES)
    string(REGEX MATCH "^([0-9]+) +([a-z]+) +([^ ]+)$" _ "${line}")
    set(prefix ${CMAKE_MATCH_3})
    string(LENGTH "${prefix}" length)
    string(LENGTH "${best}" best_length)
    string(FIND "${path}/" "${prefix}/" at)
    if(at EQUAL 0 AND length GREATER best_length)
      set(best ${prefix})
      set(floor ${CMAKE_MATCH_1})
      set(zone ${CMAKE_MATCH_2})
    endif()
  endforeach()
  if(NOT best)
    message(FATAL_ERROR "${path} has no floor in cmake/floors.txt")
  endif()
  set(${floor_var} ${floor} PARENT_SCOPE)
  set(${zone_var} ${zone} PARENT_SCOPE)
endfunction()

# redoubt_check_links(PATH LINK...): refuses a link to an upper floor or from one zone into another.
function(redoubt_check_links path)
  redoubt_floor(${path} floor zone)
  foreach(link IN LISTS ARGN)
    if(link MATCHES "^redoubt::")
      string(REPLACE "redoubt::" "" target_path "${link}")
      string(REPLACE "::" "/" target_path "${target_path}")
      redoubt_floor(${target_path} target_floor target_zone)
      if(target_floor GREATER floor)
        message(FATAL_ERROR "${path} (floor ${floor}) links ${link} (floor ${target_floor}) above it")
      endif()
      if(NOT target_zone STREQUAL zone AND NOT target_zone MATCHES "^(common|engines)$" AND NOT zone STREQUAL "tests")
        message(FATAL_ERROR "${path} (zone ${zone}) links ${link} (zone ${target_zone})")
      endif()
    endif()
  endforeach()
endfunction()

# Most trees compile several files of a room as one unit (CMAKE_UNITY_BUILD in CMakePresets.json): half the time, since headers are
# read once. ALONE names the files of SOURCES that do not take part, because a name of theirs is also another file's of the room, or
# because they set a macro for a header. The preset `debug` compiles each file by itself: that none leans on another's headers shows there.

# redoubt_room(SOURCES ... [ALONE ...] [LINKS ...] [PRIVATE_LINKS ...]): the static library of the current folder.
function(redoubt_room)
  cmake_parse_arguments(ROOM "" "" "SOURCES;ALONE;LINKS;PRIVATE_LINKS" ${ARGN})
  file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  redoubt_check_links(${path} ${ROOM_LINKS} ${ROOM_PRIVATE_LINKS})
  string(REPLACE "/" "_" name "redoubt/${path}")
  string(REPLACE "/" "::" alias "redoubt/${path}")
  add_library(${name} STATIC ${ROOM_SOURCES})
  set_source_files_properties(${ROOM_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  add_library(${alias} ALIAS ${name})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ROOM_LINKS} PRIVATE ${ROOM_PRIVATE_LINKS})
  # What a Verifier needs is also part of libredoubt_attest.so: code that may be loaded anywhere, whose names nobody outside sees.
  if(path MATCHES "^common/(base|crypto|attest)(/|$)")
    target_compile_options(${name} PRIVATE -fPIC -fvisibility=hidden -fvisibility-inlines-hidden)
  endif()
endfunction()

# Test programs whose own loops compute for so long that compiling them optimized is the quicker way.
set(REDOUBT_BUSY_TESTS test_allocations test_appraise test_base test_dp test_receipt test_sql)

# redoubt_tests(PROGRAM SOURCES ... [ALONE ...] [LINKS ...]): adds this folder's tests to PROGRAM, one program per floor or zone. The tree of the
# fuzz targets, which is sanitized too, holds the tests of common and engines: so the quick tier compiles their rooms sanitized once.
function(redoubt_tests program)
  if(NOT REDOUBT_TESTS)
    return()
  endif()
  if(REDOUBT_FUZZ)
    file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    redoubt_floor(${path} floor zone)
    if(NOT zone MATCHES "^(common|engines)$")
      return()
    endif()
  endif()
  cmake_parse_arguments(TESTS "" "" "SOURCES;ALONE;LINKS" ${ARGN})
  list(TRANSFORM TESTS_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  if(NOT TARGET ${program})
    add_executable(${program})
    set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_link_libraries(${program} PRIVATE redoubt::tests::support GTest::gtest)
    file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    redoubt_floor(${path} floor zone)
    set_property(GLOBAL APPEND PROPERTY REDOUBT_TEST_PROGRAMS "${program} ${zone}")
    # A test's own code is not what is released: it is not optimized, which compiles in half the time (a third, sanitized).
    if(program IN_LIST REDOUBT_BUSY_TESTS)
      target_compile_options(${program} PRIVATE -O1)
    else()
      target_compile_options(${program} PRIVATE "SHELL:-O0 -U_FORTIFY_SOURCE")
    endif()
    gtest_discover_tests(${program} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300 LABELS ${program})
  endif()
  target_sources(${program} PRIVATE ${TESTS_SOURCES})
  get_target_property(program_dir ${program} SOURCE_DIR)
  list(TRANSFORM TESTS_ALONE PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  set_source_files_properties(${TESTS_ALONE} DIRECTORY ${program_dir} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_link_libraries(${program} PRIVATE ${TESTS_LINKS})
endfunction()

# redoubt_program(NAME SOURCES ... [LINKS ...]): a composition root, in build/<preset>/bin.
function(redoubt_program name)
  cmake_parse_arguments(PROGRAM "" "" "SOURCES;LINKS" ${ARGN})
  file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  redoubt_check_links(${path} ${PROGRAM_LINKS})
  add_executable(${name} ${PROGRAM_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  target_link_libraries(${name} PRIVATE ${PROGRAM_LINKS})
  install(TARGETS ${name} RUNTIME DESTINATION bin COMPONENT ${name})
endfunction()

# redoubt_man(PROGRAM [COMMANDS "serve" "key create" ...]): the man page of a program, made from its own help when it is built, in
# build/<preset>/gen/man. Without COMMANDS the program writes its page itself (`reference --format man`).
function(redoubt_man program)
  if(REDOUBT_FUZZ OR REDOUBT_SANITIZE)
    return()
  endif()
  cmake_parse_arguments(MAN "" "" "COMMANDS" ${ARGN})
  list(JOIN MAN_COMMANDS "|" commands)
  set(page ${CMAKE_BINARY_DIR}/gen/man/${program}.1)
  set(script ${CMAKE_SOURCE_DIR}/cmake/man_page.cmake)
  add_custom_command(OUTPUT ${page}
    COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${program}> "-DCOMMANDS=${commands}" -DPAGE=${page} -P ${script}
    DEPENDS ${program} ${script} VERBATIM)
  add_custom_target(man_${program} ALL DEPENDS ${page})
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT man)
endfunction()

# All fuzz targets, for tools/fuzz.
add_custom_target(fuzzers)

# redoubt_fuzz(NAME SOURCE [PARTS ...] [LINKS ...]): fuzz/NAME with its seeds in fuzz/seeds/NAME. With REDOUBT_FUZZ a libFuzzer
# program; otherwise the same entry point replays the seeds as an ordinary test, but not in the release tree, which every quick
# run compiles beside that of the libFuzzer programs. PARTS are the files that hold the parser, from the root, where the room around
# them (a store, a server) is much more than the parser needs: they are compiled into the program, and the room is not linked.
function(redoubt_fuzz name source)
  if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT REDOUBT_FUZZ)
    return()
  endif()
  cmake_parse_arguments(FUZZ "" "" "PARTS;LINKS" ${ARGN})
  set(seeds ${CMAKE_SOURCE_DIR}/fuzz/seeds/${name})
  list(TRANSFORM FUZZ_PARTS PREPEND ${CMAKE_SOURCE_DIR}/)
  if(REDOUBT_FUZZ)
    add_executable(fuzz_${name} ${source} ${FUZZ_PARTS})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(fuzz_${name} ${source} ${FUZZ_PARTS} ${CMAKE_SOURCE_DIR}/fuzz/replay_main.cpp)
    add_test(NAME fuzz_seeds.${name} COMMAND fuzz_${name} ${seeds})
  endif()
  add_dependencies(fuzzers fuzz_${name})
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  target_link_libraries(fuzz_${name} PRIVATE ${FUZZ_LINKS})
endfunction()

# All benchmarks: built by name, and by ./test.sh --full.
add_custom_target(benchmarks)

# redoubt_bench(NAME SOURCES ... [LINKS ...]): build/<preset>/bench/bench_NAME.
function(redoubt_bench name)
  if(REDOUBT_FUZZ OR NOT REDOUBT_TESTS OR NOT benchmark_FOUND)
    return()
  endif()
  cmake_parse_arguments(BENCH "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(bench_${name} EXCLUDE_FROM_ALL ${BENCH_SOURCES})
  add_dependencies(benchmarks bench_${name})
  set_target_properties(bench_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  target_link_libraries(bench_${name} PRIVATE ${BENCH_LINKS} benchmark::benchmark)
endfunction()

# redoubt_write_test_programs(): build/<preset>/test_programs.txt, one line a program with its zone, for test.sh.
function(redoubt_write_test_programs)
  get_property(programs GLOBAL PROPERTY REDOUBT_TEST_PROGRAMS)
  list(JOIN programs "\n" lines)
  file(WRITE ${CMAKE_BINARY_DIR}/test_programs.txt "${lines}\n")
endfunction()
