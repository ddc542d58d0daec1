// JSON Web Tokens that somebody else has signed (section 3.2 of the v0.1.2 behaviour). What cjose
// and jansson do stays in jwt.cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/timestamp.hpp"

namespace nexus::ingest {

/// What a token must say.
struct jwt_rules {
  std::string claim;     ///< this claim, a text, is who it is about
  std::string audience;  ///< must be (one of) the token's `aud`; empty: `aud` does not matter
};

/// What became of a token.
struct jwt_verdict {
  enum class outcome { good, bad, unknown_key };
  outcome what = outcome::bad;
  std::string subject;  ///< good: the value of the claim
  std::string problem;  ///< else: why, with nothing of the token in it
};

/// Whether a token may be a JWT at all: three parts, and not too long to look into.
bool looks_like_jwt(std::string_view token) noexcept;

/// The public keys of a JWK set. Immutable; any thread.
class jwt_keys {
 public:
  /// None.
  jwt_keys();
  ~jwt_keys();
  jwt_keys(const jwt_keys&) = delete;
  jwt_keys& operator=(const jwt_keys&) = delete;

  /// Keys that are not for verifying one of RS256/384/512 and ES256/384/512 are left out, and RSA
  /// keys of less than 2048 bits. Error `invalid_argument`: it is no JWK set, or none is left.
  static core::result<std::shared_ptr<const jwt_keys>> parse(std::string_view jwks);

  std::size_t size() const noexcept;

  /// Checks signature, `exp`, `nbf` (a minute early will do) and what the rules say. The key is the
  /// one that the token's `kid` names, and must be of the kind that its `alg` needs; keys that the
  /// token brings along or points at (jwk, jku, x5u, x5c) and critical extensions are refused.
  jwt_verdict verify(std::string_view token, const jwt_rules& rules, core::time_point now) const;

 private:
  struct key;
  std::vector<key> keys_;
};

}  // namespace nexus::ingest
