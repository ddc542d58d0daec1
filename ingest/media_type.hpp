// The media type of a body.
#pragma once

#include <string>

#include "http/message.hpp"

namespace nexus::ingest {

/// Content-Type in lower case, without its parameters; empty where there is none.
std::string media_type(const http::request& request);

}  // namespace nexus::ingest
