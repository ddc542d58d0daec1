#include "core/error.hpp"

#include <cerrno>
#include <system_error>

namespace nexus::core {

const char* to_string(errc code) noexcept {
  switch (code) {
    case errc::invalid_argument:
      return "invalid_argument";
    case errc::too_large:
      return "too_large";
    case errc::not_found:
      return "not_found";
    case errc::locked:
      return "locked";
    case errc::wal_full:
      return "wal_full";
    case errc::io_failed:
      return "io_failed";
    case errc::corrupt:
      return "corrupt";
    case errc::closed:
      return "closed";
    case errc::overloaded:
      return "overloaded";
    case errc::bad_config:
      return "bad_config";
    case errc::unreachable:
      return "unreachable";
    case errc::unsupported:
      return "unsupported";
  }
  return "unknown";
}

error os_error(int number, const std::string& what) {
  auto code = errc::io_failed;
  if (number == ENOSPC || number == EDQUOT) code = errc::wal_full;
  if (number == ENOENT) code = errc::not_found;
  return {code, what + ": " + std::generic_category().message(number), number};
}

}  // namespace nexus::core
