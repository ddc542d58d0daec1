// The table `memories` behind PostgREST, as Supabase offers it (section 5.3 of the v0.1.2
// behaviour). docs/destinations/http.md says how answers become outcomes.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/setting.hpp"
#include "destinations/destination.hpp"
#include "destinations/registry.hpp"

namespace nexus::destinations {

struct supabase_options {
  std::string url;  ///< of the project, without /rest/v1
  std::string api_key;
  std::chrono::milliseconds timeout{30'000};  ///< of each call
};

/// What is wrong with options, by the names of the config keys; never a secret's contents.
std::vector<core::setting_problem> check(const supabase_options& options);

/// Inserts each entry by one request, eight at a time; a row that is there is left as it is.
/// Sensitivity labels and the classification tier have no columns there and are not sent. `ping`
/// sends HEAD. `exists` asks for each id. Error `bad_config`: the first of `check`'s problems.
core::result<std::unique_ptr<destination>> make_supabase(const supabase_options& options);

/// The types "supabase" and "openbrain", which are the same.
type_info supabase_type();

}  // namespace nexus::destinations
