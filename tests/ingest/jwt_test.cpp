#include "ingest/jwt.hpp"

#include <chrono>
#include <utility>

#include "tests/support/catch.hpp"
#include "tests/support/token_maker.hpp"

using namespace nexus;
using ingest::jwt_keys;
using ingest::jwt_verdict;
using test::signing_key;
using test::token_header;
using kind = test::signing_key::kind;
using outcome = ingest::jwt_verdict::outcome;

namespace {

const core::time_point now{std::chrono::seconds(1'767'225'600)};
const ingest::jwt_rules by_subject{"sub", ""};

jwt_verdict judge(const std::string& keys, const std::string& token,
                  const ingest::jwt_rules& rules = by_subject) {
  const auto parsed = jwt_keys::parse(test::jwk_set(keys));
  REQUIRE(parsed);
  return (*parsed)->verify(token, rules, now);
}

/// Of a token that says just this, under a key that is known.
jwt_verdict judge_claims(const std::string& claims, const ingest::jwt_rules& rules = by_subject) {
  static const signing_key key(kind::p256);
  return judge(key.jwk("k"), key.sign("ES256", token_header("ES256", "k"), claims), rules);
}

}  // namespace

TEST_CASE("a token that is signed by each of the six algorithms is good") {
  const std::vector<std::pair<std::string, kind>> all{
      {"RS256", kind::rsa_2048}, {"RS384", kind::rsa_2048}, {"RS512", kind::rsa_2048},
      {"ES256", kind::p256},     {"ES384", kind::p384},     {"ES512", kind::p521}};
  for (const auto& [alg, of] : all) {
    INFO(alg);
    const signing_key key(of);
    const auto token = key.sign(alg, token_header(alg, "k1"), R"({"sub":"app"})");
    const auto verdict = judge(key.jwk("k1"), token);
    CHECK(verdict.what == outcome::good);
    CHECK(verdict.subject == "app");
    auto changed = token;
    changed[changed.find('.') + 3] ^= 1;
    CHECK(judge(key.jwk("k1"), changed).what == outcome::bad);
  }
}

TEST_CASE("a token is only good under the key that it names, and which is fit for its algorithm") {
  const signing_key first(kind::rsa_2048);
  const signing_key second(kind::rsa_2048);
  const signing_key curve(kind::p256);
  const std::string all = first.jwk("a") + "," + second.jwk("b") + "," + curve.jwk("c");
  const std::string claims = R"({"sub":"app"})";
  CHECK(judge(all, first.sign("RS256", token_header("RS256", "a"), claims)).what == outcome::good);
  CHECK(judge(all, first.sign("RS256", token_header("RS256", "b"), claims)).what == outcome::bad);
  CHECK(judge(all, first.sign("RS256", token_header("RS256", "c"), claims)).what == outcome::bad);
  CHECK(judge(all, first.sign("RS256", token_header("ES256", "a"), claims)).what == outcome::bad);
  CHECK(judge(all, curve.sign("ES256", token_header("ES384", "c"), claims)).what == outcome::bad);
  const auto unknown = judge(all, first.sign("RS256", token_header("RS256", "new"), claims));
  CHECK(unknown.what == outcome::unknown_key);
}

TEST_CASE("a token without a kid is good only where there is a single key") {
  const signing_key key(kind::p256);
  const signing_key other(kind::p256);
  const auto token = key.sign("ES256", R"({"alg":"ES256"})", R"({"sub":"app"})");
  CHECK(judge(key.jwk("k"), token).what == outcome::good);
  CHECK(judge(key.jwk(""), token).what == outcome::good);
  CHECK(judge(key.jwk("k") + "," + other.jwk("o"), token).what == outcome::bad);
}

TEST_CASE("what is not signed by one of the algorithms is refused, whatever its header says") {
  const signing_key key(kind::rsa_2048);
  const std::string claims = R"({"sub":"app"})";
  const std::vector<std::string> headers{
      R"({"alg":"none","kid":"k"})",
      R"({"alg":"HS256","kid":"k"})",
      R"({"alg":"PS256","kid":"k"})",
      R"({"alg":"rs256","kid":"k"})",
      R"({"kid":"k"})",
      R"({"alg":"RS256","kid":7})",
      R"({"alg":"RS256","kid":"k","jwk":)" + key.jwk("k") + "}",
      R"({"alg":"RS256","kid":"k","jku":"https://keys.example.com/"})",
      R"({"alg":"RS256","kid":"k","x5u":"https://keys.example.com/"})",
      R"({"alg":"RS256","kid":"k","x5c":["MII"]})",
      R"({"alg":"RS256","kid":"k","crit":["exp"]})",
      R"({"alg":"RS256","kid":"k","b64":false})",
      "[]",
      "nonsense"};
  for (const auto& header : headers) {
    INFO(header);
    CHECK(judge(key.jwk("k"), key.sign("RS256", header, claims)).what == outcome::bad);
  }
  const std::string body =
      test::base64url(R"({"alg":"none","kid":"k"})") + "." + test::base64url(claims) + ".";
  CHECK(judge(key.jwk("k"), body).what == outcome::bad);
}

TEST_CASE("a public key is not taken for the secret of an HMAC") {
  const signing_key key(kind::rsa_2048);
  const signing_key forger(kind::p256);
  // Signed with anything at all: the algorithm is refused before a signature is looked at.
  const auto token = forger.sign("ES256", token_header("HS256", "k"), R"({"sub":"app"})");
  CHECK(judge(key.jwk("k"), token).problem.find("algorithm") != std::string::npos);
}

TEST_CASE("texts that are no tokens are refused") {
  const signing_key key(kind::p256);
  const auto good = key.sign("ES256", token_header("ES256", "k"), R"({"sub":"app"})");
  const std::vector<std::string> texts{"",
                                       "..",
                                       "a.b.c",
                                       "eyJ.eyJ.",
                                       good + "=",
                                       good + ".x",
                                       good.substr(0, good.rfind('.') + 1),
                                       good.substr(0, good.size() - 4),
                                       "." + good,
                                       std::string(3, '\0') + good};
  for (const auto& text : texts) CHECK(judge(key.jwk("k"), text).what == outcome::bad);
  const auto huge = key.sign("ES256", token_header("ES256", "k"),
                             R"({"sub":"app","pad":")" + std::string(10'000, 'x') + "\"}");
  CHECK_FALSE(ingest::looks_like_jwt(huge));
  CHECK(judge(key.jwk("k"), huge).what == outcome::bad);
}

TEST_CASE("exp and nbf are kept to, and either may be missing") {
  CHECK(judge_claims(R"({"sub":"app","exp":1767225601})").what == outcome::good);
  CHECK(judge_claims(R"({"sub":"app","exp":1767225600})").what == outcome::bad);
  CHECK(judge_claims(R"({"sub":"app","exp":1.5e3})").what == outcome::bad);
  CHECK(judge_claims(R"({"sub":"app","exp":"2099"})").what == outcome::bad);
  CHECK(judge_claims(R"({"sub":"app","exp":null})").what == outcome::bad);
  CHECK(judge_claims(R"({"sub":"app","nbf":1767225660})").what == outcome::good);
  CHECK(judge_claims(R"({"sub":"app","nbf":1767225661})").what == outcome::bad);
  CHECK(judge_claims(R"({"sub":"app","nbf":"soon"})").what == outcome::bad);
}

TEST_CASE("aud counts only where an audience is configured") {
  const ingest::jwt_rules rules{"sub", "nexus"};
  CHECK(judge_claims(R"({"sub":"app","aud":"other"})").what == outcome::good);
  CHECK(judge_claims(R"({"sub":"app","aud":"nexus"})", rules).what == outcome::good);
  CHECK(judge_claims(R"({"sub":"app","aud":["x","nexus"]})", rules).what == outcome::good);
  CHECK(judge_claims(R"({"sub":"app","aud":["x"]})", rules).what == outcome::bad);
  CHECK(judge_claims(R"({"sub":"app","aud":"nexus2"})", rules).what == outcome::bad);
  CHECK(judge_claims(R"({"sub":"app"})", rules).what == outcome::bad);
}

TEST_CASE("the claim that names the source must be a text that is not empty") {
  CHECK(judge_claims(R"({"client":"app","sub":"x"})", {"client", ""}).subject == "app");
  CHECK(judge_claims(R"({"client":7})", {"client", ""}).what == outcome::bad);
  CHECK(judge_claims(R"({"sub":""})").what == outcome::bad);
  CHECK(judge_claims(R"({"sub":"a","sub":"b"})").what == outcome::bad);
  CHECK(judge_claims("[]").what == outcome::bad);
  CHECK(judge_claims("not json").what == outcome::bad);
}

TEST_CASE("of a JWK set the keys are taken that are good for verifying") {
  const signing_key strong(kind::rsa_2048);
  const signing_key weak(kind::rsa_1024);
  const auto count = [](const std::string& keys) {
    const auto parsed = jwt_keys::parse(test::jwk_set(keys));
    return parsed ? (*parsed)->size() : 0;
  };
  CHECK(count(strong.jwk("k")) == 1);
  CHECK(count(strong.jwk("k", R"(,"use":"sig","alg":"RS256","key_ops":["verify"])")) == 1);
  CHECK(count(strong.jwk("k", R"(,"use":"enc")")) == 0);
  CHECK(count(strong.jwk("k", R"(,"key_ops":["encrypt"])")) == 0);
  CHECK(count(strong.jwk("k", R"(,"alg":"RSA-OAEP")")) == 0);
  CHECK(count(weak.jwk("k")) == 0);
  CHECK(count(R"({"kty":"oct","k":"c2VjcmV0","kid":"k"})") == 0);
  CHECK(count(R"(7,"x",null,{},{"kty":"RSA"},)" + strong.jwk("k")) == 1);
  for (const char* text : {"", "{}", "[]", "{\"keys\":{}}", "{\"keys\":[]}", "<html>"})
    CHECK_FALSE(jwt_keys::parse(text));
}

TEST_CASE("a key whose numbers are padded is good, and one with padding inside is none") {
  const auto count = [](const std::string& x) {  // cjose aborted the program at the last ones
    const auto parsed = jwt_keys::parse(
        test::jwk_set(R"({"kty":"EC","crv":"P-256","x":")" + x +
                      R"(","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"k"})"));
    return parsed ? (*parsed)->size() : 0;
  };
  const std::string x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
  CHECK(count(x) == 1);
  CHECK(count(x + "=") == 1);
  for (std::size_t at = 0; at < x.size(); ++at) {
    auto changed = x;
    for (char byte : {'=', '+', ' ', '\xff'}) {
      changed[at] = byte;
      CHECK(count(changed) == 0);
    }
  }
  CHECK(count("=") == 0);
  CHECK(count(x.substr(0, 41) + "====") == 0);
}

TEST_CASE("a key with an alg of its own verifies no other") {
  const signing_key key(kind::rsa_2048);
  const std::string keys = key.jwk("k", R"(,"alg":"RS256")");
  const std::string claims = R"({"sub":"app"})";
  CHECK(judge(keys, key.sign("RS256", token_header("RS256", "k"), claims)).what == outcome::good);
  CHECK(judge(keys, key.sign("RS512", token_header("RS512", "k"), claims)).what == outcome::bad);
}
