// Makes keys, JWK sets and JSON Web Tokens with OpenSSL, as an identity provider would.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace nexus::test {

/// Base64 with the alphabet of URLs and without padding.
std::string base64url(std::string_view bytes);

/// A key pair, made at random.
class signing_key {
 public:
  enum class kind { rsa_2048, rsa_1024, p256, p384, p521 };

  explicit signing_key(kind of);
  ~signing_key();
  signing_key(const signing_key&) = delete;
  signing_key& operator=(const signing_key&) = delete;

  /// The public half as a JWK, with that kid (empty: none); `more` is further members, with a comma
  /// in front.
  std::string jwk(std::string_view kid, std::string_view more = {}) const;
  /// The compact form, signed by `alg` (RS256 … ES512), which `header`, a JSON object, should name.
  std::string sign(std::string_view alg, std::string_view header, std::string_view claims) const;

 private:
  struct pair;
  std::unique_ptr<pair> pair_;
};

/// `{"keys":[…]}` of JWKs with commas between them.
std::string jwk_set(const std::string& keys);

/// `{"alg":…,"kid":…}`
std::string token_header(std::string_view alg, std::string_view kid);

}  // namespace nexus::test
