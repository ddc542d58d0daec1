# Our libraries and programs share these settings.

function(nexus_compile_settings target)
  # -Wrestrict: g++ 12 warns about std::string's own operator+ (GCC bug 105651).
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wno-restrict)
  if(NEXUS_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(NEXUS_SANITIZE)
    # vptr: its check opens a pipe, and so cries wolf where a test takes all file descriptors.
    # maybe-uninitialized: with sanitizers g++ 12 sees empty std::function and optional as read.
    target_compile_options(${target} PRIVATE
      -fsanitize=${NEXUS_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=undefined
      -fno-omit-frame-pointer -Wno-maybe-uninitialized)
    if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
      target_compile_options(${target} PRIVATE
        -fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/tests/sanitizers/foreign.txt)
    endif()
    target_link_options(${target} PUBLIC -fsanitize=${NEXUS_SANITIZE})
  endif()
endfunction()

# For programs only; a library leaves the choice to whoever links it. What one thread of the server
# allocates (a request, an entry, an answer) another one frees, which glibc's allocator is slow at:
# with tcmalloc a write costs a quarter less (docs/performance.md). Sanitizers bring their own.
function(nexus_use_tcmalloc target)
  if(NOT NEXUS_SANITIZE)
    pkg_check_modules(tcmalloc REQUIRED IMPORTED_TARGET libtcmalloc_minimal)
    target_link_libraries(${target} PRIVATE -Wl,--push-state,--no-as-needed PkgConfig::tcmalloc
      -Wl,--pop-state)
  endif()
endfunction()

# nexus_add_library(wal SOURCES a.cpp … HEADERS a.hpp … PUBLIC nexus_core PRIVATE ZLIB::ZLIB)
# makes nexus_wal, known to users of the installed package as nexus::wal. HEADERS are the public
# ones: they are installed under include/nexus/<folder>/ and included as "<folder>/name.hpp" here
# and <nexus/folder/name.hpp> there. ALONE are those SOURCES whose own names another one has, too:
# they are not compiled together with others.
function(nexus_add_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE;ALONE" ${ARGN})
  set(target nexus_${name})
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(nexus::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  nexus_compile_settings(${target})
  if(NEXUS_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    set_source_files_properties(${arg_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    # Every source is one that is included here, where types of its own would be suspicious.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/nexus>)
  target_link_libraries(${target} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  install(TARGETS ${target} EXPORT nexusTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES ${arg_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/nexus/${name})
endfunction()

# Exports the targets, so that another project finds them with find_package(nexus).
function(nexus_install_package)
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nexus)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/nexusConfig.cmake.in
    ${PROJECT_BINARY_DIR}/nexusConfig.cmake INSTALL_DESTINATION ${package_dir})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/nexusConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(EXPORT nexusTargets NAMESPACE nexus:: DESTINATION ${package_dir})
  install(FILES
    ${PROJECT_BINARY_DIR}/nexusConfig.cmake
    ${PROJECT_BINARY_DIR}/nexusConfigVersion.cmake
    ${PROJECT_SOURCE_DIR}/cmake/FindCAF.cmake
    ${PROJECT_SOURCE_DIR}/cmake/NexusDependencies.cmake
    DESTINATION ${package_dir})
endfunction()

# nexus_embed_text(ingest FILE openapi.json AS nexus::ingest::openapi_document) makes the file's
# bytes a variable of nexus_ingest: `extern const std::string_view openapi_document;`. A change of
# the file builds it anew.
function(nexus_embed_text name)
  cmake_parse_arguments(arg "" "FILE;AS" "" ${ARGN})
  set(script ${PROJECT_SOURCE_DIR}/cmake/EmbedText.cmake)
  set(from ${CMAKE_CURRENT_SOURCE_DIR}/${arg_FILE})
  set(to ${CMAKE_CURRENT_BINARY_DIR}/${arg_FILE}.cpp)
  add_custom_command(OUTPUT ${to}
    COMMAND ${CMAKE_COMMAND} -DFROM=${from} -DTO=${to} -DNAME=${arg_AS} -P ${script}
    DEPENDS ${from} ${script}
    COMMENT "Embedding ${arg_FILE}"
    VERBATIM)
  target_sources(nexus_${name} PRIVATE ${to})
endfunction()
