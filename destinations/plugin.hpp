// For authors of plugins: a destination type in a shared library, which a config file names with
// `type = "plugin"`. docs/destinations/plugin.md has the whole story, examples/plugin_destination a
// whole plugin:
//
//     nexus::destinations::type_info my_type() { … }
//     NEXUS_DESTINATION_PLUGIN(my_type)
//
// A program takes a plugin that was built with the same compiler for the same interface, and
// refuses any other before it runs a function of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/entry.hpp"
#include "core/error.hpp"
#include "core/result.hpp"
#include "core/setting.hpp"
#include "destinations/destination.hpp"
#include "destinations/registry.hpp"

#ifndef NEXUS_VERSION
#error "Link nexus::destination_plugin (find_package(nexus)): it says which version this is for."
#endif

namespace nexus::destinations {

/// Raised with every change of what crosses between program and plugin: the classes of
/// destination.hpp and registry.hpp, core::entry, core::result, core::setting_schema.
inline constexpr std::uint32_t plugin_interface = 1;

/// "NEXUSDST"
inline constexpr std::uint64_t plugin_magic = 0x4e45585553445354;

/// How something was compiled.
struct plugin_build {
  /// As the compiler calls itself, for people.
  const char* compiler;
  std::uint32_t is_clang;
  std::uint32_t compiler_major;
  std::uint32_t cxx_standard;  ///< __cplusplus
  std::uint32_t string_abi;    ///< _GLIBCXX_USE_CXX11_ABI
  /// A number made of the sizes of what crosses.
  std::uint64_t layout;
};

/// What a plugin exports under the name `nexus_destination_plugin`. Its members up to `build` stay
/// as they are in every version, so that each program can say why it refuses a plugin.
struct plugin_descriptor {
  std::uint64_t magic;
  std::uint32_t interface_version;
  std::uint32_t reserved;
  const char* nexus_version;
  plugin_build build;
  type_info (*make_type)();
};

/// FNV-1a over the numbers.
constexpr std::uint64_t plugin_layout() {
  constexpr std::size_t numbers[] = {
      sizeof(core::entry),
      offsetof(core::entry, payload),
      offsetof(core::entry, entry_type),
      sizeof(core::entry_ptr),
      sizeof(core::error),
      sizeof(core::result<void>),
      sizeof(core::result<std::unique_ptr<destination>>),
      sizeof(core::setting),
      sizeof(core::setting_schema),
      sizeof(core::setting_values),
      sizeof(outcome),
      sizeof(query),
      sizeof(query_page),
      sizeof(settings),
      sizeof(type_info),
  };
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::size_t number : numbers) hash = (hash ^ number) * 0x100000001b3;
  return hash;
}

constexpr plugin_build this_build() {
#ifdef __clang__
  return {__VERSION__, 1, __clang_major__, __cplusplus, _GLIBCXX_USE_CXX11_ABI, plugin_layout()};
#else
  return {"g++ " __VERSION__, 0, __GNUC__, __cplusplus, _GLIBCXX_USE_CXX11_ABI, plugin_layout()};
#endif
}

constexpr plugin_descriptor describe_plugin(type_info (*make_type)()) {
  return {plugin_magic, plugin_interface, 0, NEXUS_VERSION, this_build(), make_type};
}

}  // namespace nexus::destinations

extern "C" {
extern const nexus::destinations::plugin_descriptor nexus_destination_plugin
    __attribute__((visibility("default")));
}

/// Once in a plugin, outside of every namespace. `make_type` is a function without arguments that
/// returns a destinations::type_info with `make` set; it is called whenever the program looks at
/// the plugin, on any thread.
#define NEXUS_DESTINATION_PLUGIN(make_type)                                         \
  constinit const nexus::destinations::plugin_descriptor nexus_destination_plugin = \
      nexus::destinations::describe_plugin(make_type);
