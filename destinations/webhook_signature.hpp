// Signatures of the Standard Webhooks specification, version 1: HMAC-SHA256, symmetric. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace nexus::destinations {

/// Signs what is sent to a receiver. Copies share nothing; any thread.
class webhook_signer {
 public:
  /// `secrets`: one or more, with spaces between them: a receiver that knows any of them accepts
  /// the signature, which is how they are rotated. Each is `whsec_` and the Base64 of the key, or
  /// the key's own bytes. Error `bad_config`: there is none, or the Base64 is wrong; the text holds
  /// no part of a secret.
  static core::result<webhook_signer> make(std::string_view secrets);

  /// The value of the header `webhook-signature`: for each secret `v1,` and the Base64 of the HMAC
  /// over `id.timestamp.body`, with spaces between them. `timestamp`: unix seconds, as in the
  /// header.
  std::string sign(std::string_view id, std::string_view timestamp, std::string_view body) const;

 private:
  explicit webhook_signer(std::vector<std::string> keys);

  std::vector<std::string> keys_;
};

}  // namespace nexus::destinations
