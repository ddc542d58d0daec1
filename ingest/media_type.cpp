#include "ingest/media_type.hpp"

#include "core/ascii.hpp"
#include "mapping/transform.hpp"

namespace nexus::ingest {

std::string media_type(const http::request& request) {
  const auto whole = request.header("Content-Type").value_or(std::string_view());
  return core::to_lower(std::string(mapping::trim(whole.substr(0, whole.find(';')))));
}

bool accepts(const http::request& request, std::string_view type) {
  return request.header("Accept").value_or("").find(type) != std::string_view::npos;
}

}  // namespace nexus::ingest
