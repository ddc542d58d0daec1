#include "ingest/jwt.hpp"

#include <cjose/cjose.h>
#include <jansson.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <utility>

namespace nexus::ingest {
namespace {

constexpr std::size_t token_bytes_max = 8 * 1024;
constexpr std::size_t keys_max = 100;
constexpr std::size_t rsa_bits_min = 2048;
constexpr double nbf_seconds_early = 60;

struct releaser {
  void operator()(json_t* value) const noexcept { json_decref(value); }
  void operator()(cjose_jwk_t* key) const noexcept { cjose_jwk_release(key); }
  void operator()(cjose_jws_t* token) const noexcept { cjose_jws_release(token); }
};
using json_ptr = std::unique_ptr<json_t, releaser>;
using jwk_ptr = std::unique_ptr<cjose_jwk_t, releaser>;
using jws_ptr = std::unique_ptr<cjose_jws_t, releaser>;

/// An algorithm of ours, and the key that it needs.
struct algorithm {
  std::string_view name;
  cjose_jwk_kty_t kind;
  cjose_jwk_ec_curve curve;
};

constexpr std::array<algorithm, 6> algorithms{{
    {"RS256", CJOSE_JWK_KTY_RSA, CJOSE_JWK_EC_INVALID},
    {"RS384", CJOSE_JWK_KTY_RSA, CJOSE_JWK_EC_INVALID},
    {"RS512", CJOSE_JWK_KTY_RSA, CJOSE_JWK_EC_INVALID},
    {"ES256", CJOSE_JWK_KTY_EC, CJOSE_JWK_EC_P_256},
    {"ES384", CJOSE_JWK_KTY_EC, CJOSE_JWK_EC_P_384},
    {"ES512", CJOSE_JWK_KTY_EC, CJOSE_JWK_EC_P_521},
}};

const algorithm* find_algorithm(std::string_view name) {
  const auto found = std::find_if(algorithms.begin(), algorithms.end(),
                                  [name](const auto& one) { return one.name == name; });
  return found == algorithms.end() ? nullptr : &*found;
}

json_ptr parse_json(std::string_view text) {
  return json_ptr(json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES, nullptr));
}

/// A member that is a text; nothing if it is absent or something else.
std::optional<std::string> text_of(const json_t* object, const char* name) {
  const json_t* value = json_object_get(object, name);
  if (!json_is_string(value)) return std::nullopt;
  return std::string(json_string_value(value), json_string_length(value));
}

/// Whether a member is absent, or the text `wanted`.
bool absent_or(const json_t* object, const char* name, std::string_view wanted) {
  return json_object_get(object, name) == nullptr || text_of(object, name) == wanted;
}

bool holds(const json_t* list, std::string_view wanted) {
  for (std::size_t i = 0; i < json_array_size(list); ++i) {
    const json_t* one = json_array_get(list, i);
    if (json_is_string(one) && json_string_value(one) == wanted) return true;
  }
  return false;
}

/// A digit of base64url (RFC 7515 section 2).
bool is_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

/// Only what is public: nobody's private key is kept here, should one be in the set. Some pad the
/// numbers of a key; cjose aborts the program where padding stands in a wrong place.
jwk_ptr import_key(const json_t* from) {
  const json_ptr open(json_object());
  for (const char* name : {"kty", "kid", "crv"})
    if (json_t* value = json_object_get(from, name)) json_object_set(open.get(), name, value);
  for (const char* name : {"n", "e", "x", "y"}) {
    auto number = text_of(from, name);
    if (!number) continue;
    number->erase(number->find_last_not_of('=') + 1);
    if (!std::all_of(number->begin(), number->end(), is_digit)) return nullptr;
    json_object_set_new(open.get(), name, json_stringn(number->data(), number->size()));
  }
  return jwk_ptr(cjose_jwk_import_json(open.get(), nullptr));
}

bool is_for_signatures(const json_t* key) {
  const json_t* operations = json_object_get(key, "key_ops");
  return absent_or(key, "use", "sig") && (operations == nullptr || holds(operations, "verify"));
}

/// What is wrong with the token's header; empty: nothing.
std::string problem_of_header(const json_t* header) {
  for (const char* name : {"jwk", "jku", "x5u", "x5c", "crit", "b64"})
    if (json_object_get(header, name) != nullptr)
      return std::string("its header has ") + name + ", which is not accepted";
  const auto name = text_of(header, "alg");
  if (!name || find_algorithm(*name) == nullptr)
    return "its algorithm is not one of RS256, RS384, RS512, ES256, ES384 and ES512";
  if (json_object_get(header, "kid") != nullptr && !text_of(header, "kid"))
    return "its kid is no text";
  return {};
}

/// What is wrong with the times that the claims name.
std::string problem_of_times(const json_t* claims, core::time_point now) {
  const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  for (const char* name : {"exp", "nbf"}) {
    const json_t* value = json_object_get(claims, name);
    if (value != nullptr && !json_is_number(value)) return std::string(name) + " is no number";
  }
  if (const json_t* end = json_object_get(claims, "exp"))
    if (json_number_value(end) <= seconds) return "it has expired";
  if (const json_t* start = json_object_get(claims, "nbf"))
    if (json_number_value(start) > seconds + nbf_seconds_early) return "it is not valid yet";
  return {};
}

jwt_verdict bad(std::string problem) {
  return {jwt_verdict::outcome::bad, {}, std::move(problem)};
}

jwt_verdict judge_claims(std::string_view text, const jwt_rules& rules, core::time_point now) {
  const json_ptr claims = parse_json(text);
  if (!json_is_object(claims.get())) return bad("its claims are no JSON object");
  if (auto problem = problem_of_times(claims.get(), now); !problem.empty())
    return bad(std::move(problem));
  if (!rules.audience.empty() && text_of(claims.get(), "aud") != rules.audience &&
      !holds(json_object_get(claims.get(), "aud"), rules.audience))
    return bad("it is for another audience");
  auto subject = text_of(claims.get(), rules.claim.c_str());
  if (!subject || subject->empty()) return bad("it has no claim " + rules.claim);
  return {jwt_verdict::outcome::good, std::move(*subject), {}};
}

}  // namespace

struct jwt_keys::key {
  std::string id;
  std::string algorithm;  ///< the only one that it is for; empty: each that it is fit for
  jwk_ptr value;

  bool fits(const struct algorithm& wanted) const {
    if (!algorithm.empty() && algorithm != wanted.name) return false;
    if (cjose_jwk_get_kty(value.get(), nullptr) != wanted.kind) return false;
    return wanted.kind == CJOSE_JWK_KTY_RSA ||
           cjose_jwk_EC_get_curve(value.get(), nullptr) == wanted.curve;
  }
};

// Digits and two dots: cjose would take padding as well.
bool looks_like_jwt(std::string_view token) noexcept {
  return token.size() <= token_bytes_max && std::count(token.begin(), token.end(), '.') == 2 &&
         std::all_of(token.begin(), token.end(), [](char c) { return c == '.' || is_digit(c); });
}

jwt_keys::jwt_keys() = default;
jwt_keys::~jwt_keys() = default;

std::size_t jwt_keys::size() const noexcept {
  return keys_.size();
}

core::result<std::shared_ptr<const jwt_keys>> jwt_keys::parse(std::string_view jwks) {
  const json_ptr set = parse_json(jwks);
  const json_t* list = json_object_get(set.get(), "keys");
  if (!json_is_array(list))
    return core::error{core::errc::invalid_argument, "it is no JWK set: no list \"keys\""};
  auto made = std::make_shared<jwt_keys>();
  const std::size_t count = std::min(json_array_size(list), keys_max);
  for (std::size_t i = 0; i < count; ++i) {
    const json_t* from = json_array_get(list, i);
    if (!is_for_signatures(from)) continue;
    key next{text_of(from, "kid").value_or(""), text_of(from, "alg").value_or(""),
             import_key(from)};
    if (!next.value) continue;
    const bool weak = cjose_jwk_get_kty(next.value.get(), nullptr) == CJOSE_JWK_KTY_RSA &&
                      cjose_jwk_get_keysize(next.value.get(), nullptr) < rsa_bits_min;
    const bool useful = std::any_of(algorithms.begin(), algorithms.end(),
                                    [&](const auto& one) { return next.fits(one); });
    if (useful && !weak) made->keys_.push_back(std::move(next));
  }
  if (made->keys_.empty())
    return core::error{core::errc::invalid_argument,
                       "it has no key for RS256/384/512 or ES256/384/512"};
  return std::shared_ptr<const jwt_keys>(std::move(made));
}

jwt_verdict jwt_keys::verify(std::string_view token, const jwt_rules& rules,
                             core::time_point now) const {
  if (!looks_like_jwt(token)) return bad("it is no JSON Web Token");
  const jws_ptr signature(cjose_jws_import(token.data(), token.size(), nullptr));
  if (!signature) return bad("it is no signed JSON Web Token");
  const json_t* header = cjose_jws_get_protected(signature.get());
  if (auto problem = problem_of_header(header); !problem.empty()) return bad(std::move(problem));
  const auto id = text_of(header, "kid");
  const bool ambiguous = !id && keys_.size() > 1;
  if (ambiguous) return bad("it names no key, and there are several");
  const algorithm& wanted = *find_algorithm(*text_of(header, "alg"));
  bool known = false;
  for (const key& one : keys_) {
    if (id && one.id != *id) continue;
    known = true;
    if (!one.fits(wanted) || !cjose_jws_verify(signature.get(), one.value.get(), nullptr)) continue;
    std::uint8_t* claims = nullptr;  // belongs to `signature`
    std::size_t size = 0;
    if (!cjose_jws_get_plaintext(signature.get(), &claims, &size, nullptr)) break;
    return judge_claims({reinterpret_cast<const char*>(claims), size}, rules, now);
  }
  if (!known) return {jwt_verdict::outcome::unknown_key, {}, "its key is not known"};
  return bad("its signature is not that of the key that it names");
}

}  // namespace nexus::ingest
