#include "ingest/policy.hpp"

#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::ingest;

TEST_CASE("an empty policy allows everything") {
  const config::policy_config nothing;
  CHECK_FALSE(check_write(nothing, "sqlite"));
  CHECK_FALSE(check_read(nothing, "sqlite", "deep"));
}

TEST_CASE("a write needs its destination and the operation write in the policy") {
  config::policy_config policy;
  policy.allowed_destinations = {"a", "b"};
  CHECK_FALSE(check_write(policy, "b"));
  REQUIRE(check_write(policy, "c"));
  CHECK(check_write(policy, "c")->code == "policy_denied");
  policy.allowed_operations = {"read"};
  REQUIRE(check_write(policy, "b"));
  CHECK(check_write(policy, "b")->code == "policy_denied");
  CHECK(check_write(policy, "b")->message != check_write(policy, "c")->message);
  policy.allowed_operations = {"read", "write"};
  CHECK_FALSE(check_write(policy, "b"));
}

TEST_CASE(
    "a read is checked for destination, operation, retrieval mode and profile in this order") {
  config::policy_config policy;
  policy.allowed_profiles = {"fast"};
  CHECK(check_read(policy, "c", "deep")->code == "policy_denied");
  policy.allowed_retrieval_modes = {"semantic"};
  CHECK(check_read(policy, "c", "deep")->code == "retrieval_mode_not_allowed");
  policy.allowed_operations = {"write"};
  CHECK(check_read(policy, "c", "deep")->code == "operation_not_allowed");
  policy.allowed_destinations = {"a"};
  CHECK(check_read(policy, "c", "deep")->code == "destination_not_allowed");
  policy.allowed_operations = {"read"};
  policy.allowed_retrieval_modes = {"structured"};
  CHECK_FALSE(check_read(policy, "a", "fast"));
}
