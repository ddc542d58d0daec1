#include "ingest/request_id.hpp"

#include <fmt/format.h>
#include <limits.h>
#include <unistd.h>

#include <array>

#include "core/random.hpp"

namespace nexus::ingest {
namespace {

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

}  // namespace

request_id_source::request_id_source() : prefix_(host_name() + "/" + core::random_hex(5)) {}

std::string request_id_source::next() {
  return fmt::format("{}-{:06}", prefix_, count_.fetch_add(1, std::memory_order_relaxed) + 1);
}

}  // namespace nexus::ingest
