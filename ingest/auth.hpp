// Who sent a request: the token in its Authorization header (section 3.2 of the v0.1.2 behaviour).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "config/config.hpp"

namespace nexus::ingest {

enum class token_class { unknown, source, admin, mcp };

struct identity {
  token_class kind = token_class::unknown;
  std::size_t source = 0;  ///< index in config::sources, where `kind` is source
};

/// The token of an Authorization header: what follows `Bearer `, trimmed. Nothing if it is absent
/// or empty.
std::optional<std::string_view> bearer_token(
    std::optional<std::string_view> authorization) noexcept;

/// Recognises tokens in a time that tells nothing about a key and does not grow with their number.
///
/// Keys are kept as digests of one length, keyed with random bytes that nobody outside of this
/// object knows. The sources' are looked up by their digest: what that takes depends on digests
/// that a client cannot foresee. What it finds, or a stand-in, is compared in constant time, and so
/// are the admin's and the MCP key, always all three. Any thread.
class authenticator {
 public:
  explicit authenticator(const config::config& settings);

  /// A token that fits several keys is the last of the sources', or else the admin's, or else the
  /// MCP key.
  identity recognise(std::optional<std::string_view> authorization) const;

  /// The source of that name, the last one of several; for identities that others vouch for.
  std::optional<std::size_t> source_named(std::string_view name) const;

 private:
  using digest = std::array<unsigned char, 32>;
  struct beginning_of {
    std::size_t operator()(const digest& of) const noexcept;
  };
  digest digest_of(std::string_view token) const;

  digest salt_;
  digest admin_;
  std::optional<digest> mcp_;
  digest stand_in_;  ///< of no token
  /// Every key of every source, with the source's index.
  std::unordered_map<digest, std::size_t, beginning_of> sources_;
  std::unordered_map<std::string, std::size_t> names_;
};

}  // namespace nexus::ingest
