// The description of the API for programs.
#pragma once

#include <string_view>

#include "http/message.hpp"

namespace nexus::ingest {

/// openapi.json as it was when the program was built: OpenAPI 3.1.
extern const std::string_view openapi_document;

/// GET /openapi.json.
http::response openapi_response();

}  // namespace nexus::ingest
