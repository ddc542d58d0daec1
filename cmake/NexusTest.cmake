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

# nexus_add_test(wal SOURCES a_test.cpp … LIBRARIES nexus_wal …) makes test_wal; each test case is a
# test of CTest's own, named "wal: what the test case says".
function(nexus_add_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES;PROPERTIES" ${ARGN})
  add_executable(test_${name} ${arg_SOURCES})
  nexus_compile_settings(test_${name})
  # What is tested is fully optimised, the tests only a little: that takes a third off the time to
  # build them.
  target_compile_options(test_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(test_${name} PRIVATE ${arg_LIBRARIES} nexus_test_support)
  catch_discover_tests(test_${name} TEST_PREFIX "${name}: " DISCOVERY_MODE PRE_TEST
    ${NEXUS_TEST_ARGUMENTS} PROPERTIES TIMEOUT 300 ${arg_PROPERTIES})
endfunction()
