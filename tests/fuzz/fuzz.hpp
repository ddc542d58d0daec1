// What all fuzz targets share. A target is one function over the bytes that somebody sends: it must
// return, and what it says of them must be true. libFuzzer looks for bytes for which it does not
// (script/fuzz); test_fuzz hands it those that are kept (corpus/, regressions/).
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace nexus::fuzz {

/// The target that this program is built with.
void run(std::string_view input);

/// Stops the program, as a sanitizer does: what holds for every input does not hold for this one.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

/// Takes the text up to the first newline off `input`; all of it if there is none.
inline std::string take_line(std::string_view& input) {
  const auto end = input.find('\n');
  const auto line = input.substr(0, end);
  input.remove_prefix(end == input.npos ? input.size() : end + 1);
  return std::string(line);
}

}  // namespace nexus::fuzz
