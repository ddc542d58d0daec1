// Who sent a request: the token in its Authorization header (section 3.2 of the v0.1.2 behaviour).
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace nexus::ingest {

enum class token_class { unknown, source, admin };

struct identity {
  token_class kind = token_class::unknown;
  std::size_t source = 0;  ///< index in config::sources, where `kind` is source
};

/// The token of an Authorization header: what follows `Bearer `, trimmed. Nothing if it is absent
/// or empty.
std::optional<std::string_view> bearer_token(
    std::optional<std::string_view> authorization) noexcept;

/// Recognises tokens. Keeps digests of the keys, all of one length, and compares with every one of
/// them in constant time, so that the time taken tells nothing about a key. Any thread.
class authenticator {
 public:
  explicit authenticator(const config::config& settings);

  /// A token that fits several keys is the last of the sources', or else the admin's.
  identity recognise(std::optional<std::string_view> authorization) const;

 private:
  using digest = std::array<unsigned char, 32>;
  static digest digest_of(std::string_view token);

  digest admin_;
  /// Every key of every source, with the source's index.
  std::vector<std::pair<digest, std::size_t>> sources_;
};

}  // namespace nexus::ingest
