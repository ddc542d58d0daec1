// A request through the whole door: events, logs, writes and queries. The first three lines of the
// input are the method, the target and a header; the rest is the body. Every request has one
// answer, and all that is stored is JSON.
#include "core/json_text.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/ingest/fake_house.hpp"

using namespace nexus;
using test::fake_house;

namespace {

void check_stored(const core::entry& stored) {
  fuzz::require(core::json::validate(stored.payload).ok(), "a payload is JSON");
  fuzz::require(core::json::is_utf8(stored.payload), "a payload is UTF-8");
  std::string line;
  fuzz::require(core::append_json(line, stored).ok(), "an entry can be written");
}

}  // namespace

void fuzz::run(std::string_view input) {
  const auto method = take_line(input), target = take_line(input), header = take_line(input);
  const auto colon = header.find(':');
  http::header_list headers{{"Authorization", "Bearer key-of-default"}};
  if (colon != header.npos) headers.emplace_back(header.substr(0, colon), header.substr(colon + 1));
  fake_house house;
  house.settings.sources[0].mapping = {{"content", "data.text"}, {"role", "body.#.x|@this"}};
  house.settings.sources[0].idempotency_enabled = true;
  const auto answer =
      house.send(fake_house::make_request(method, target, std::move(headers), std::string(input)));
  require(answer->answers <= 1, "nobody is answered twice");
  if (answer->done()) {
    require(answer->status() >= 200 && answer->status() < 600, "an answer has a status");
    require(answer->status() != 500, "nothing fails inside");
  }
  for (const auto& one : house.appends)
    for (const auto& stored : one.entries) check_stored(*stored);
  for (const auto& batch : house.batches)
    for (const auto& write : batch.writes)
      for (const auto& stored : write) check_stored(*stored);
}
