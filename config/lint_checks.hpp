// The parts of lint(), each about one kind of thing.
#pragma once

#include <string>
#include <vector>

#include "config/build.hpp"
#include "config/fields.hpp"

namespace nexus::config {

/// What there is to look at.
struct lint_subject {
  const file_set& files;
  const config& settings;  ///< as far as it can be understood
  const type_table& types;
};

/// How daemon.toml goes together; there is one.
void lint_daemon(const lint_subject& all, std::vector<finding>& findings);

/// One source; `settings` is made of `document`.
void lint_source(const lint_subject& all, const value& document, const source_config& settings,
                 std::vector<finding>& findings);

/// Every key in the files: where it stands, who else has it, who can read it.
void lint_keys(const lint_subject& all, std::vector<finding>& findings);

/// A limit above this is none: no machine answers so many requests a minute.
inline constexpr std::int64_t rate_without_effect = 10'000'000;

/// Warns of a number of requests a minute that limits nothing, or something else than was meant.
void lint_rate(fields& in, std::string_view path);

}  // namespace nexus::config
