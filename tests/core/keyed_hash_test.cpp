#include "core/keyed_hash.hpp"

#include "tests/support/catch.hpp"

using nexus::core::keyed_hash;

TEST_CASE("a keyed hash tells lists of texts apart, and is its own") {
  const keyed_hash one;
  CHECK(one({"ab", "c"}) == one({"ab", "c"}));
  CHECK(one({"ab", "c"}) != one({"a", "bc"}));
  CHECK(one({"ab", "c"}) != one({"abc"}));
  CHECK(one({"", "a"}) != one({"a", ""}));
  CHECK(one({"a"}) != keyed_hash()({"a"}));
}
