// A home directory for a test, and words to look for in what the loader says of it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "config/lint.hpp"
#include "config/loader.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/variable.hpp"

namespace nexus::test {

inline config::type_table some_types() {
  using enum core::setting_kind;
  config::type_table types;
  types["sqlite"].keys = {{.name = "db_path", .kind = path, .fallback = "memories.db"}};
  types["web"].keys = {{.name = "url"},
                       {.name = "token", .kind = secret},
                       {.name = "timeout", .kind = integer},
                       {.name = "strict", .kind = boolean},
                       {.name = "cert", .kind = path}};
  return types;
}

/// Begins with the smallest configuration that loads without a word.
class home {
 public:
  home() { daemon("[daemon]\nadmin_token = \"root\"\n"); }

  void daemon(const std::string& text) { write("daemon.toml", text); }
  /// One source, in sources/a.toml: `extra` goes below its required keys.
  void source(const std::string& extra) {
    write("sources/a.toml", "[source]\nname = \"a\"\napi_key = \"ka\"\n" + extra);
  }
  /// One destination, in destinations/d.toml.
  void destination(const std::string& text) { write("destinations/d.toml", text); }
  void write(const std::string& name, const std::string& text) { write_file(dir_ / name, text); }

  std::string operator/(const std::string& name) const { return dir_ / name; }
  const std::string& path() const { return dir_.path(); }

  config::type_table types = some_types();

  config::examination examine() const { return config::examine(path(), types); }
  std::vector<config::finding> lint() const { return config::lint(path(), types); }
  /// The configuration, which must be free of findings.
  config::config settings() const {
    const auto found = examine();
    for (const auto& problem : found.findings) UNSCOPED_INFO(to_string(problem));
    REQUIRE(found.findings.empty());
    REQUIRE(found.settings.has_value());
    return *found.settings;
  }

  /// Every finding as text, with the home directory cut out: "daemon.toml:2:1: error: …".
  std::vector<std::string> lines(const std::vector<config::finding>& findings) const {
    std::vector<std::string> out;
    for (const auto& problem : findings) {
      std::string line = to_string(problem);
      for (std::size_t at; (at = line.find(path() + '/')) != std::string::npos;) {
        line.erase(at, path().size() + 1);
      }
      out.push_back(line);
    }
    return out;
  }
  std::vector<std::string> said() const { return lines(examine().findings); }

 private:
  temp_dir dir_;
};

using texts = std::vector<std::string>;

inline texts codes(const std::vector<config::finding>& findings) {
  texts out;
  for (const auto& problem : findings) out.push_back(problem.code);
  return out;
}

inline bool has_code(const std::vector<config::finding>& findings, const std::string& code) {
  const texts all = codes(findings);
  return std::find(all.begin(), all.end(), code) != all.end();
}

}  // namespace nexus::test
