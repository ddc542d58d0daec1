// Writes the directories under golden/ anew: see golden/README.md. Not a test, and not run as one.
#include <cstdlib>

#include "tests/support/catch.hpp"
#include "tests/wal/chain_support.hpp"
#include "tests/wal/reference_lines.hpp"
#include "tests/wal/reference_reader.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::string first = "/wal-1700000000000000001.jsonl";
const std::string second = "/wal-1700000000000000002.jsonl";

std::string with_key(const std::string& id, const std::string& key) {
  auto json = json_of(id);
  const std::string none = R"("idempotency_key":"")";
  return json.replace(json.find(none), none.size(), R"("idempotency_key":")" + key + '"');
}

std::string note(const std::string& rest) {
  return R"({"version":2,"status":"STATUS","timestamp":"2026-04-07T01:02:04Z",)" + rest + "}";
}

std::string mark(const std::string& word, const std::string& ids) {
  return note(R"("destination":"sqlite","entry_type":"status","mark":")" + word +
              R"(","reason":"no such table","ids":[)" + ids + "]");
}

std::string failed(const std::string& id, const std::string& at = "2026-04-07T01:02:04Z") {
  return json_of(id, R"(,"failed_at":")" + at + R"(","failure_reason":"no such table")",
                 "PERMANENT_FAILURE");
}

std::string crc_line(const std::string& json) {
  return reference_line_of(json);
}

/// Lines as v0.1.2 writes and rewrites them, and as others may.
void write_plain(const std::string& out, const std::string& key) {
  const auto line = [&](const std::string& json) { return reference_line_of(json, key); };
  write_file(out + first, line(json_of("a", {}, "DELIVERED")) + line(with_key("b", "k")) +
                              line(json_of("c", {}, "PERMANENT_FAILURE")) + "\r\n");
  write_file(out + second,
             line(with_key("d", "k")) + with_cr(crc_line(foreign_json("e"))) + line(json_of("f")));
}

void write_newest_reference(const std::string& out) {
  write_file(out + first, sentinel_line_of(json_of("a")) + crc_line(zstd_body(json_of("b"))));
  write_file(out + second, sentinel_line_of(zstd_body(json_of("c"))) + crc_line(json_of("d")) +
                               sentinel_line_of(json_of("e", R"(,"entry_type":"audit")")));
}

/// As a killed process leaves it: settled by status lines only, and with preallocated space.
void write_killed(const std::string& out) {
  write_file(out + first, crc_line(with_key("a", "k")) + crc_line(with_key("b", "k")) +
                              crc_line(mark("DELIVERED", R"("a","x")")) + crc_line(json_of("c")));
  const auto before = crc_line(json_of("d")) + crc_line(mark("PERMANENT_FAILURE", R"("c","d")"));
  write_file(
      out + second,
      before +
          crc_line(note(R"("entry_type":"synced","offset":)" + std::to_string(before.size()))) +
          crc_line(json_of("e")) + crc_line(mark("REDRIVEN", R"("c")")) + std::string(40, '\0'));
}

void write_dead_letters(const std::string& out) {
  write_file(out + "/dead-letter.jsonl", crc_line(failed("a")) + crc_line(failed("b")));
  write_file(out + first, crc_line(failed("b")) + crc_line(failed("c")) +
                              crc_line(mark("PURGED", R"("a")")) +
                              crc_line(json_of("c", R"(,"repeated_key":"k")")) +
                              crc_line(note(R"("entry_type":"quarantined","line_bytes":9)")));
}

/// As a crash between two settlings leaves it: `a` was redriven and has failed again, and its first
/// line is gone; `b` was redriven too, and only its first line is settled.
void write_redriven(const std::string& out) {
  const auto of_first = [](const std::string& word, const std::string& id) {
    return mark(word, '"' + id + R"("],"failed_at":["2026-04-07T01:02:04Z")");
  };
  const auto again = failed("a", "2026-04-07T01:02:05Z");
  write_file(out + first,
             crc_line(json_of("b", {}, "REDRIVEN")) + crc_line(again) + crc_line(failed("c")));
  write_file(out + second, crc_line(json_of("b")) + crc_line(of_first("REDRIVEN", "a")) +
                               crc_line(of_first("REDRIVEN", "b")) +
                               crc_line(mark("PERMANENT_FAILURE", R"("b")")) +
                               crc_line(of_first("PURGED", "c")));
}

void write_sealed(const std::string& out, bool encrypted, wal::cipher with) {
  std::filesystem::create_directories(out);
  auto how = options_for(out);
  how.integrity = wal::integrity_mode::mac;
  how.mac_key = mac_key;
  if (encrypted) how.encryption = {true, with, {std::string(32, 'k')}};
  sealed_log log(how);
  log.sealed_segment(2);
  log.begin();
  log.fill(2);
  log.seal();
}

}  // namespace

TEST_CASE("the golden directories are written") {
  const auto* to = std::getenv("NEXUS_GOLDEN_OUT");
  REQUIRE(to != nullptr);
  const std::string out = to;
  write_plain(out + "/plain", {});
  write_plain(out + "/plain-mac", mac_key);
  write_newest_reference(out + "/newest-reference");
  write_killed(out + "/killed");
  write_dead_letters(out + "/dead-letters");
  write_redriven(out + "/redriven");
  write_sealed(out + "/sealed", false, {});
  write_sealed(out + "/sealed-aes", true, wal::cipher::aes_256_gcm);
  write_sealed(out + "/sealed-xchacha", true, wal::cipher::xchacha20_poly1305);
}
