#include "destinations/plugin_loader.hpp"

#include <dlfcn.h>

#include <exception>
#include <sstream>
#include <utility>

#include "core/path.hpp"
#include "destinations/plugin.hpp"

namespace nexus::destinations {
namespace {

constexpr const char* symbol_name = "nexus_destination_plugin";
constexpr const char* path_key = "path";
constexpr const char* settings_key = "settings";

core::error bad(const std::string& path, const std::string& why) {
  return {core::errc::bad_config, "plugin " + path + ": " + why};
}

/// "interface 1 of Nexus 0.2.0 with g++ 12.2.0 (C++ 202002, string ABI 1, layout 1a2b)"
std::string spelled(const plugin_descriptor& of) {
  std::ostringstream text;
  text << "interface " << of.interface_version << " of Nexus " << of.nexus_version << " with "
       << of.build.compiler << " (C++ " << of.build.cxx_standard << ", string ABI "
       << of.build.string_abi << ", layout " << std::hex << of.build.layout << ')';
  return text.str();
}

bool fits(const plugin_descriptor& its, const plugin_descriptor& ours) {
  const plugin_build &a = its.build, &b = ours.build;
  return its.interface_version == ours.interface_version && a.is_clang == b.is_clang &&
         a.compiler_major == b.compiler_major && a.cxx_standard == b.cxx_standard &&
         a.string_abi == b.string_abi && a.layout == b.layout;
}

core::result<const plugin_descriptor*> descriptor_in(const std::string& path) {
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return bad(path, std::string("cannot be loaded: ") + ::dlerror());
  const auto* its = static_cast<const plugin_descriptor*>(::dlsym(library, symbol_name));
  if (its == nullptr || its->magic != plugin_magic) {
    return bad(path,
               "is no plugin of Nexus: it does not export what the macro "
               "NEXUS_DESTINATION_PLUGIN makes");
  }
  constexpr plugin_descriptor ours = describe_plugin(nullptr);
  if (fits(*its, ours)) return its;
  return bad(path, "was built for " + spelled(*its) + ", but this program has " + spelled(ours) +
                       ": rebuild the plugin against Nexus " + ours.nexus_version +
                       ", with the same compiler");
}

/// Calls code of a plugin, which may throw anything.
template <class Call>
auto guarded(const std::string& path, const std::string& what, Call call)
    -> core::result<decltype(call())> {
  try {
    return call();
  } catch (const std::exception& thrown) {
    return bad(path, what + " has thrown: " + thrown.what());
  } catch (...) {
    return bad(path, what + " has thrown something that is no std::exception");
  }
}

/// A relative fallback begins in the home, which is not known here.
const core::setting* relative_fallback(const core::setting_schema& schema) {
  for (const auto& key : schema.keys) {
    if (key.kind == core::setting_kind::path && !key.fallback.empty() &&
        !key.fallback.starts_with('/') && !key.fallback.starts_with('~')) {
      return &key;
    }
  }
  return nullptr;
}

/// A plugin's type, and its own values as its factories get them.
struct configured {
  std::string path;
  type_info type;
  core::setting_values values;
  std::vector<core::setting_problem> problems;  ///< by the names in `values`
};

void make_paths_absolute(configured& plugin) {
  for (const auto& key : plugin.type.schema.keys) {
    const auto value = plugin.values.find(key.name);
    if (key.kind != core::setting_kind::path || value == plugin.values.end()) continue;
    if (value->second.empty()) continue;
    auto absolute = core::absolute_path(value->second);
    if (absolute) {
      value->second = *std::move(absolute);
    } else {
      plugin.problems.push_back({key.name, key.name + ": " + absolute.reason().text});
    }
  }
}

core::result<configured> configure(const settings& from) {
  configured plugin;
  plugin.path = from.text(path_key);
  if (plugin.path.empty()) {
    return core::error{core::errc::bad_config, "path, the plugin's file, is not set"};
  }
  auto type = load_plugin(plugin.path);
  if (!type) return std::move(type).reason();
  plugin.type = *std::move(type);
  plugin.values = from.table(settings_key);
  core::fill_fallbacks(plugin.type.schema, plugin.values);
  make_paths_absolute(plugin);
  if (!plugin.problems.empty()) return plugin;
  auto checked = guarded(plugin.path, "the check of its settings", [&plugin] {
    return core::check_settings(plugin.type.schema, plugin.values);
  });
  if (!checked) return std::move(checked).reason();
  plugin.problems = *std::move(checked);
  return plugin;
}

std::vector<core::setting_problem> check(const core::setting_values& values) {
  settings from;
  from.values = values;
  auto plugin = configure(from);
  if (!plugin) return {{path_key, plugin.reason().text}};
  for (auto& problem : plugin->problems) {
    problem.name = problem.name.empty() ? settings_key : settings_key + ('.' + problem.name);
  }
  return std::move(plugin->problems);
}

/// What `factory_of` picks from the plugin's type makes something of the plugin's own settings.
template <class Made, class Factory>
core::result<std::unique_ptr<Made>> make_with(Factory type_info::*factory, const settings& from) {
  auto plugin = configure(from);
  if (plugin && !plugin->problems.empty()) {
    plugin = bad(plugin->path, plugin->problems.front().message);
  }
  if (!plugin) {
    return core::error{plugin.reason().code,
                       "destination " + from.name + ": " + plugin.reason().text};
  }
  if (!(plugin->type.*factory)) {
    return core::error{core::errc::not_found,
                       "destination '" + from.name + "' cannot be read back"};
  }
  settings own = from;
  own.values = std::move(plugin->values);
  auto made = guarded(plugin->path, "its factory", [&] { return (plugin->type.*factory)(own); });
  if (!made) return std::move(made).reason();
  if (*made && **made == nullptr) return bad(plugin->path, "its factory has returned nothing");
  return *std::move(made);
}

}  // namespace

core::result<type_info> load_plugin(const std::string& path) {
  const auto descriptor = descriptor_in(path);
  if (!descriptor) return descriptor.reason();
  auto info = guarded(path, "its function for the type", (*descriptor)->make_type);
  if (!info) return info;
  if (info->make_actor) return bad(path, "its type is an actor: a plugin must fill in make");
  if (!info->make) return bad(path, "its type has no make");
  if (const auto* key = relative_fallback(info->schema)) {
    return bad(path, "the fallback of its key " + key->name + " must be absolute, or begin with ~");
  }
  return info;
}

type_info plugin_type() {
  type_info info;
  info.make = [](const settings& from) { return make_with<destination>(&type_info::make, from); };
  info.make_reader = [](const settings& from) {
    return make_with<reader>(&type_info::make_reader, from);
  };
  info.schema.keys = {
      {.name = path_key, .kind = core::setting_kind::path, .required = true},
      {.name = settings_key, .kind = core::setting_kind::secret_table},
  };
  info.schema.check = check;
  return info;
}

}  // namespace nexus::destinations
