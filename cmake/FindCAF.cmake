# Debian's libcaf-dev 0.17.6 ships neither a CMake package nor a pkg-config file. Defines CAF::core,
# CAF::io and CAF::openssl.
find_path(CAF_INCLUDE_DIR caf/all.hpp)
find_library(CAF_CORE_LIBRARY caf_core)
find_library(CAF_IO_LIBRARY caf_io)
find_library(CAF_OPENSSL_LIBRARY caf_openssl)
if(CAF_INCLUDE_DIR)
  file(STRINGS "${CAF_INCLUDE_DIR}/caf/config.hpp" _caf_line REGEX "define CAF_VERSION [0-9]+")
  string(REGEX MATCH "[0-9]+$" _caf_number "${_caf_line}")
  if(NOT _caf_number EQUAL 1706)
    message(FATAL_ERROR
      "CAF 0.17.6 (libcaf-dev of Debian 12 and 13) is needed; found version number ${_caf_number}")
  endif()
  set(CAF_VERSION 0.17.6)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF
  REQUIRED_VARS CAF_CORE_LIBRARY CAF_IO_LIBRARY CAF_OPENSSL_LIBRARY CAF_INCLUDE_DIR
  VERSION_VAR CAF_VERSION)
find_package(Threads REQUIRED)
foreach(_name core io openssl)
  if(CAF_FOUND AND NOT TARGET CAF::${_name})
    string(TOUPPER ${_name} _upper)
    add_library(CAF::${_name} UNKNOWN IMPORTED)
    set_target_properties(CAF::${_name} PROPERTIES
      IMPORTED_LOCATION "${CAF_${_upper}_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}"
      INTERFACE_LINK_LIBRARIES Threads::Threads)
  endif()
endforeach()
if(TARGET CAF::io)
  set_property(TARGET CAF::io APPEND PROPERTY INTERFACE_LINK_LIBRARIES CAF::core)
  set_property(TARGET CAF::openssl APPEND PROPERTY INTERFACE_LINK_LIBRARIES CAF::io)
endif()
