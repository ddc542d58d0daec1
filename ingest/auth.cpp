#include "ingest/auth.hpp"

#include <sodium.h>

#include <cstdlib>

namespace nexus::ingest {

std::optional<std::string_view> bearer_token(
    std::optional<std::string_view> authorization) noexcept {
  constexpr std::string_view prefix = "Bearer ";
  constexpr std::string_view blanks = " \t\r\n\v\f";
  if (!authorization || !authorization->starts_with(prefix)) return std::nullopt;
  const auto rest = authorization->substr(prefix.size());
  const auto first = rest.find_first_not_of(blanks);
  if (first == std::string_view::npos) return std::nullopt;
  return rest.substr(first, rest.find_last_not_of(blanks) - first + 1);
}

authenticator::authenticator(const config::config& settings) {
  if (sodium_init() < 0) std::abort();
  admin_ = digest_of(settings.admin_token.reveal());
  for (std::size_t i = 0; i < settings.sources.size(); ++i)
    for (const auto& key : settings.sources[i].api_keys)
      sources_.push_back({digest_of(key.reveal()), i});
}

identity authenticator::recognise(std::optional<std::string_view> authorization) const {
  const auto token = bearer_token(authorization);
  if (!token) return {};
  const digest sent = digest_of(*token);
  identity who;
  if (sodium_memcmp(sent.data(), admin_.data(), sent.size()) == 0) who.kind = token_class::admin;
  for (const auto& [key, source] : sources_)
    if (sodium_memcmp(sent.data(), key.data(), sent.size()) == 0)
      who = {token_class::source, source};
  return who;
}

authenticator::digest authenticator::digest_of(std::string_view token) {
  digest out;
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(token.data()),
                     token.size(), nullptr, 0);
  return out;
}

}  // namespace nexus::ingest
