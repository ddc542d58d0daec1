#include "core/base64.hpp"

#include <array>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace nexus::core;

TEST_CASE("Base64 is that of RFC 4648, and only that is read") {
  const std::vector<std::array<std::string, 2>> vectors{{"", ""},
                                                        {"f", "Zg=="},
                                                        {"fo", "Zm8="},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg=="},
                                                        {"fooba", "Zm9vYmE="},
                                                        {"foobar", "Zm9vYmFy"},
                                                        {"\xfb\xff\xbf", "+/+/"}};
  for (const auto& [bytes, text] : vectors) {
    std::string made = "before ", back = "old";
    append_base64(made, bytes);
    CHECK(made == "before " + text);
    CHECK(decode_base64(back, text));
    CHECK(back == bytes);
  }
  for (std::string bad : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm9v=", "====", "=",
                          "Z===", "Zg==Zg==", "Zm 9", "Zm-_", "Zm9v\n", "Zm9\xaf", "Z=g="}) {
    std::string ignored;
    INFO(bad);
    CHECK_FALSE(decode_base64(ignored, bad));
  }
}
