// A home with a source for each reason to refuse something.
#pragma once

#include <string>

#include "tests/integration/refusal.hpp"

namespace nexus::test {

inline const std::string good = R"({"message":{"content":"x"}})";
inline const std::string admin = server_home::admin_token;

/// A value that is that many bytes long, 26 at least.
inline std::string value_of(std::size_t bytes) {
  return R"({"message":{"content":")" + std::string(bytes - 26, 'x') + R"("}})";
}

inline std::string key_of(const std::string& source) {
  return "bfn_data_" + source;
}

/// A home with a source for each reason to refuse something.
struct strict_home : server_home {
  strict_home() {
    write("daemon.toml", "[daemon]\nadmin_token = \"" + admin +
                             "\"\n[daemon.limits]\nmax_batch_bytes = 4096\n"
                             "max_batch_entries = 5\n[daemon.mcp]\napi_key = \"bfn_mcp_key\"\n");
    write("destinations/other.toml",
          "[destination]\nname = \"other\"\ntype = \"sqlite\"\ndb_path = \"" + path() +
              "/other.db\"\n");
    add_source("reader", "can_read = true\n");
    add_source("elsewhere",
               "can_write = true\n[source.policy]\nallowed_destinations = [\"other\"]\n");
    add_source("only_reads",
               "can_write = true\n[source.policy]\nallowed_operations = [\"read\"]\n");
    add_source("small", "can_write = true\n[source.payload_limits]\nmax_bytes = 100\n");
    add_source("strict",
               "can_write = true\nrequire_content = true\n[source.idempotency]\nenabled = true\n"
               "strict_idempotency = true\n");
    add_source("slow", "can_write = true\n[source.rate_limit]\nrequests_per_minute = 1\n");
  }
};

}  // namespace nexus::test
