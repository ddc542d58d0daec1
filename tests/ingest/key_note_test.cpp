#include "ingest/key_note.hpp"

#include "tests/support/catch.hpp"

using namespace nexus;
using ingest::key_note;

namespace {

key_note there_and_back(const key_note& note) {
  core::entry value;
  value.payload_id = "p";
  value.timestamp = "2026-01-01T00:00:00Z";
  value.extension = R"(,"fanout":2)";
  ingest::put_key_note(value, note);
  std::string json;
  REQUIRE(core::append_json(json, value).ok());
  const auto read = core::parse_entry(json);
  REQUIRE(read.ok());
  return ingest::read_key_note(*read).value_or(key_note{});
}

}  // namespace

TEST_CASE("an entry without a key has no note") {
  core::entry value;
  ingest::put_key_note(value, {});
  CHECK(value.idempotency_key.empty());
  CHECK(value.extension.empty());
  CHECK_FALSE(ingest::read_key_note(value));
}

TEST_CASE("a key stands in the entry's idempotency_key, as in v0.1.2") {
  core::entry value;
  ingest::put_key_note(value, {"k \"1\"", false, {}});
  CHECK(value.idempotency_key == "k \"1\"");
  CHECK(value.extension.empty());
  CHECK(there_and_back({"k \"1\"", false, {}}).key == "k \"1\"");
}

TEST_CASE("a repeated key stands where the log does not fold entries by it") {
  core::entry value;
  ingest::put_key_note(value, {"k \"1\"", true, {}});
  CHECK(value.idempotency_key.empty());
  const auto read = there_and_back({"k \"1\"", true, {}});
  CHECK(read.key == "k \"1\"");
  CHECK(read.is_repeated);
}

TEST_CASE("the digest of the body comes back, and nonsense in its place is none") {
  const auto body = ingest::digest_of_body("{\"a\":1}");
  CHECK(body != ingest::digest_of_body("{\"a\":2}"));
  CHECK(there_and_back({"k", false, body}).body == body);
  CHECK(there_and_back({"k", true, body}).body == body);
  core::entry value;
  value.idempotency_key = "k";
  for (const char* text : {R"("12")", R"("xyz")", "7", R"(["a"])"}) {
    value.extension = std::string(R"(,"body_digest":)") + text;
    CHECK(ingest::read_key_note(value)->body == key_note{}.body);
  }
}

TEST_CASE("keys that are not UTF-8 are no keys to the log, which would take them for one") {
  config::source_config source;
  source.idempotency_enabled = true;
  ingest::ports behind;
  behind.keys_wait = [](const auto&...) { return std::vector<bool>(4); };
  std::vector<std::string> keys{"caf\xc3\xa9", "caf\xe9", "caf\xe8", ""};
  const auto notes = ingest::make_key_notes(behind, source, keys, {});
  REQUIRE(notes.size() == keys.size());
  CHECK_FALSE(notes[0].is_repeated);
  CHECK(notes[1].is_repeated);
  CHECK(notes[2].is_repeated);
  CHECK_FALSE(notes[3].is_repeated);
}

TEST_CASE("the log is not asked where there is no key") {
  config::source_config source;
  source.idempotency_enabled = true;
  const ingest::ports behind;  // asking would throw
  std::vector<std::string> keys(2);
  const auto notes = ingest::make_key_notes(behind, source, keys, {});
  REQUIRE(notes.size() == 2);
  CHECK(notes[0].key.empty());
}
