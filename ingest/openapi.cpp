#include "ingest/openapi.hpp"

namespace nexus::ingest {

http::response openapi_response() {
  http::response answer;
  answer.body = openapi_document;
  return answer;
}

}  // namespace nexus::ingest
