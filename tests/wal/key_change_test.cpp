// The key of a signed log's encryption is changed: what must be readable without the former one.
#include <functional>
#include <string>
#include <vector>

#include "tests/wal/chain_support.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::wal;

namespace {

const std::string first_key(32, '1');
const std::string second_key(32, '2');

options with_keys(const std::string& directory, bool enabled, std::vector<std::string> keys) {
  auto how = encrypted_options(directory);
  how.encryption.enabled = enabled;
  how.encryption.keys = std::move(keys);
  how.accept_unsigned = false;
  return how;
}

void use(const options& how, const std::function<void(wal::log&)>& work) {
  auto log = open_log(how);
  work(*log);
  REQUIRE(log->close().ok());
}

void settle(wal::log& log) {
  REQUIRE(log.settle().ok());
}

}  // namespace

TEST_CASE("a signed log that was settled needs a former key no longer, nor does its anchor") {
  const temp_dir dir;
  use(with_keys(dir.path(), true, {first_key}),
      [](wal::log& log) { REQUIRE(log.append(make_entry("a")).ok()); });

  use(with_keys(dir.path(), true, {second_key, first_key}), settle);
  check_clean(with_keys(dir.path(), true, {second_key}));

  use(with_keys(dir.path(), false, {second_key}), settle);
  check_clean(with_keys(dir.path(), false, {}));
}

TEST_CASE("an anchor under a key that is not there says so") {
  const temp_dir dir;
  const auto how = with_keys(dir.path(), true, {first_key});
  use(how, [](wal::log& log) { REQUIRE(log.append(make_entry("a")).ok()); });

  const auto other = with_keys(dir.path(), true, {second_key});
  const auto kept = read_anchor(other, *format_for(other));
  REQUIRE_FALSE(kept.ok());
  CHECK(kept.reason().text.find("another key") != std::string::npos);
}
