#include "bench/give_up.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "core/error.hpp"

namespace nexus::bench {

void give_up(std::string_view why) {
  fmt::print(stderr, "benchmark: {}\n", why);
  std::exit(2);
}

void give_up_on_system(std::string_view what) {
  give_up(core::os_error(errno, std::string(what)).text);
}

}  // namespace nexus::bench
