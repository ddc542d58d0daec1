// Plugins that are wrong in one way each; ODD_… says in which.
#include <cstdlib>
#include <stdexcept>

#include "destinations/plugin.hpp"

namespace dest = nexus::destinations;

namespace {

[[maybe_unused]] dest::type_info odd_type() {
  dest::type_info info;
#if defined(ODD_THROWS)
  throw std::runtime_error("out of luck");
#elif defined(ODD_THROWS_NUMBER)
  throw 42;
#elif defined(ODD_FALLBACK)
  info.make =
      [](const dest::settings&) -> nexus::core::result<std::unique_ptr<dest::destination> > {
    return std::unique_ptr<dest::destination>();
  };
  info.schema.keys = {
      {.name = "file", .kind = nexus::core::setting_kind::path, .fallback = "here.txt"}};
#elif defined(ODD_RETURNS_NULL)
  info.make =
      [](const dest::settings&) -> nexus::core::result<std::unique_ptr<dest::destination> > {
    return std::unique_ptr<dest::destination>();
  };
#endif
  return info;
}

/// Its function must never be called.
[[maybe_unused]] constexpr dest::plugin_descriptor changed(
    void (*change)(dest::plugin_descriptor&)) {
  auto descriptor = dest::describe_plugin([]() -> dest::type_info { std::abort(); });
  descriptor.nexus_version = "9.8.7";
  descriptor.build.compiler = "g++ 99.1";
  change(descriptor);
  return descriptor;
}

}  // namespace

#if defined(ODD_INTERFACE)
constinit const dest::plugin_descriptor nexus_destination_plugin =
    changed([](dest::plugin_descriptor& it) { it.interface_version = 4711; });
#elif defined(ODD_COMPILER)
constinit const dest::plugin_descriptor nexus_destination_plugin =
    changed([](dest::plugin_descriptor& it) { it.build.compiler_major = 99; });
#elif defined(ODD_LAYOUT)
constinit const dest::plugin_descriptor nexus_destination_plugin =
    changed([](dest::plugin_descriptor& it) { it.build.layout = 0xdead; });
#elif defined(ODD_MAGIC)
constinit const dest::plugin_descriptor nexus_destination_plugin =
    changed([](dest::plugin_descriptor& it) { it.magic = 1; });
#elif !defined(ODD_NO_SYMBOL)
NEXUS_DESTINATION_PLUGIN(odd_type)
#endif
