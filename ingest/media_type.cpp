#include "ingest/media_type.hpp"

#include <algorithm>
#include <string_view>

#include "mapping/transform.hpp"

namespace nexus::ingest {

std::string media_type(const http::request& request) {
  const auto whole = request.header("Content-Type").value_or(std::string_view());
  std::string name(mapping::trim(whole.substr(0, whole.find(';'))));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

}  // namespace nexus::ingest
