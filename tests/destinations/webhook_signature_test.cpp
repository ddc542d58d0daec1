#include "destinations/webhook_signature.hpp"

#include "tests/support/catch.hpp"

using nexus::destinations::webhook_signer;

namespace {

const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const std::string body = R"({"test": 2432232314})";
const std::string signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

std::string signed_with(const std::string& secrets) {
  const auto signer = webhook_signer::make(secrets);
  REQUIRE(signer.ok());
  return signer->sign(id, "1614265330", body);
}

}  // namespace

TEST_CASE("the specification's example is signed as it says") {
  CHECK(signed_with(secret) == signature);
}

TEST_CASE("each of several secrets gives a signature, in their order") {
  CHECK(signed_with("x " + secret).ends_with(" " + signature));
  CHECK(signed_with(secret + "  x ") == signature + " " + signed_with("x"));
}

TEST_CASE("a secret without whsec_ is the key itself") {
  // echo -n 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}' |
  //   openssl dgst -sha256 -hmac raw -binary | base64
  CHECK(signed_with("raw") == "v1,i8WgW+xg6QNBhjTILcjI9gf5CwKcfYG1jBNuxuv2LwE=");
}

TEST_CASE("secrets that are none are refused, and not shown") {
  for (const std::string wrong :
       {"", "  ", "whsec_", "whsec_MfKQ9", "whsec_!!!!", "x whsec_MfKQ9"}) {
    const auto signer = webhook_signer::make(wrong);
    REQUIRE_FALSE(signer.ok());
    CHECK(signer.reason().code == nexus::core::errc::bad_config);
    CHECK(signer.reason().text.find("MfKQ9") == std::string::npos);
  }
}
