// Media types of bodies.
#pragma once

#include <string>
#include <string_view>

#include "http/message.hpp"

namespace nexus::ingest {

/// Content-Type in lower case, without its parameters; empty where there is none.
std::string media_type(const http::request& request);

/// Whether Accept names that type, wherever and with whatever weight, as v0.1.2 looks at it.
bool accepts(const http::request& request, std::string_view type);

}  // namespace nexus::ingest
