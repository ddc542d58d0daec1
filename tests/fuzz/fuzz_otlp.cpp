// An OTLP request in JSON, taken apart into its records.
#include "core/json_text.hpp"
#include "ingest/otlp_document.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace nexus;

void fuzz::run(std::string_view input) {
  if (!core::json::validate(input)) return;
  const ingest::log_limits limits{20, 10'000};
  std::size_t records = 0, bytes = 0;
  const auto read = ingest::for_each_log_record(input, limits, [&](core::result<std::string> one) {
    require(++records <= limits.records, "no more records than the limit allows");
    if (!one) return;
    bytes += one->size();
    require(bytes <= limits.bytes, "no more bytes than the limit allows");
    require(core::json::validate(*one).ok(), "a record is JSON");
    require(one->starts_with('{'), "a record is a JSON object");
  });
  if (!read) require(!read.reason().text.empty(), "a refusal says why");
}
