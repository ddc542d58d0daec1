#include "cli/file_limit.hpp"

#include <algorithm>

#include <sys/resource.h>

namespace nexus::cli {

std::optional<std::size_t> raise_file_limit(std::size_t enough) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return std::nullopt;
  const rlimit raised{std::min<rlim_t>(files.rlim_max, enough), files.rlim_max};
  if (files.rlim_cur < raised.rlim_cur && ::setrlimit(RLIMIT_NOFILE, &raised) == 0) files = raised;
  return files.rlim_cur;
}

}  // namespace nexus::cli
