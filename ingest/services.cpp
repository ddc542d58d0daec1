#include "ingest/services.hpp"

#include "ingest/errors.hpp"

namespace nexus::ingest {

http_response deny(const services& house, const std::string& source, const denial& why) {
  house.metrics
      .get_counter("bubblefish_policy_denials_total", "Requests refused by policy",
                   {{"source", source}, {"reason", why.message}})
      .add();
  return error_response(403, why.code, why.message);
}

}  // namespace nexus::ingest
