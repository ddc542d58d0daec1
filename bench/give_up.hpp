// What a benchmark does where it can't go on.
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>

#include "core/result.hpp"

namespace nexus::bench {

/// Says why on standard error, and exits with 2: nothing was measured, so nothing was missed.
[[noreturn]] void give_up(std::string_view why);
/// The same with what the system says of errno.
[[noreturn]] void give_up_on_system(std::string_view what);

/// What a benchmark cannot go on without.
template <class T>
T must(core::result<T> outcome) {
  if (!outcome) give_up(outcome.reason().text);
  if constexpr (!std::is_void_v<T>) return *std::move(outcome);
}

}  // namespace nexus::bench
