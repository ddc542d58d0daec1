// Reading the configuration again, over HTTP. For the admin only.
#pragma once

#include "http/message.hpp"
#include "ingest/services.hpp"

namespace nexus::ingest {

/// POST /api/reload: {"status":"reloaded","changes":[…],"notes":[…]}, or 422 `config_invalid` with
/// {"findings":[…]} as its details, a text for each.
void handle_reload(const services_ptr& house, http::respond_fn respond);

}  // namespace nexus::ingest
