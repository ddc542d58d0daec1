// JSON Web Tokens and sets of keys: the first line is a token, the rest a set. Nobody signs by
// chance, so a token of a set that the input brings along must not be good without its private key.
#include "ingest/jwt.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace nexus;
using outcome = ingest::jwt_verdict::outcome;

void fuzz::run(std::string_view input) {
  const auto token = take_line(input);
  const core::time_point now{std::chrono::seconds(1'767'225'600)};
  const ingest::jwt_keys none;
  require(none.verify(token, {"sub", ""}, now).what != outcome::good, "without keys none is good");
  const auto keys = ingest::jwt_keys::parse(input);
  if (!keys) return;
  require((*keys)->size() > 0, "a set has keys");
  const auto verdict = (*keys)->verify(token, {"sub", ""}, now);
  if (verdict.what == outcome::good)
    require(ingest::looks_like_jwt(token) && !verdict.subject.empty(),
            "a good token names someone");
  else
    require(!verdict.problem.empty(), "a refusal says why");
}
