# Catch2 2 (Debian 12) or 3 (Debian 13); tests include "tests/support/catch.hpp", which hides the
# difference.
find_package(Catch2 REQUIRED)
list(APPEND CMAKE_MODULE_PATH "${Catch2_DIR}")
include(CTest)
include(Catch)

# A name that matches no test case is a failure. Catch2 3 does that by itself.
set(NEXUS_TEST_ARGUMENTS)
if(Catch2_VERSION VERSION_LESS 3)
  set(NEXUS_TEST_ARGUMENTS EXTRA_ARGS --warn NoTests)
endif()

# The longest time for one test.
set(NEXUS_TEST_SECONDS 300)
if(NEXUS_SANITIZE)
  set(NEXUS_TEST_SECONDS 1200)
endif()

# What most tests include is parsed once and kept, which takes a third off the time to build them.
# It excuses no source from including what it uses: the preset `debug` does without.
set(NEXUS_TEST_HEADERS
  <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <cstdint> <deque>
  <filesystem> <fstream> <functional> <map> <memory> <mutex> <optional> <random> <set> <span>
  <sstream> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>
  ${PROJECT_SOURCE_DIR}/tests/support/catch.hpp)

# What is tested is fully optimised, the tests only a little, and not at all where sanitizers make
# that long: it takes a third off the time to build them.
function(nexus_test_settings target)
  nexus_compile_settings(${target})
  # Optimised that little, std::string's own operator+ seems to write out of bounds to g++ 12 (GCC
  # bug 105329), for texts of some lengths: that of a path, for one.
  target_compile_options(${target} PRIVATE
    -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  if(NEXUS_SANITIZE)
    target_compile_options(${target} PRIVATE -O0)
  else()
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
endfunction()

# nexus_add_test(wal SOURCES a_test.cpp … LIBRARIES nexus_wal …) makes test_wal; each test case is a
# test of CTest's own, named "wal: what the test case says".
# PRECOMPILED names headers that most SOURCES include beside those that all tests share.
function(nexus_add_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES;PROPERTIES;PRECOMPILED" ${ARGN})
  add_executable(test_${name} ${arg_SOURCES})
  nexus_test_settings(test_${name})
  if(arg_PRECOMPILED)
    target_precompile_headers(test_${name} PRIVATE
      ${NEXUS_TEST_HEADERS} ${arg_PRECOMPILED})
  else()
    target_precompile_headers(test_${name} REUSE_FROM nexus_test_support)
  endif()
  target_link_libraries(test_${name} PRIVATE ${arg_LIBRARIES} nexus_test_support)
  catch_discover_tests(test_${name} TEST_PREFIX "${name}: " DISCOVERY_MODE PRE_TEST
    ${NEXUS_TEST_ARGUMENTS} PROPERTIES TIMEOUT ${NEXUS_TEST_SECONDS} ${arg_PROPERTIES})
endfunction()
