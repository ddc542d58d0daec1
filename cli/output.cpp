#include "cli/output.hpp"

#include <cstdio>

namespace nexus::cli {

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

int fail(std::string_view what) {
  std::fprintf(stderr, "nexus: %.*s\n", static_cast<int>(what.size()), what.data());
  return 1;
}

int fail(const core::error& reason) {
  return fail(reason.text);
}

}  // namespace nexus::cli
