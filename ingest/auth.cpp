#include "ingest/auth.hpp"

#include <sodium.h>

#include <cstdlib>
#include <cstring>

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

std::size_t authenticator::beginning_of::operator()(const digest& of) const noexcept {
  std::size_t first = 0;
  std::memcpy(&first, of.data(), sizeof(first));
  return first;
}

authenticator::authenticator(const config::config& settings) {
  if (sodium_init() < 0) std::abort();
  randombytes_buf(salt_.data(), salt_.size());
  randombytes_buf(stand_in_.data(), stand_in_.size());
  admin_ = digest_of(settings.admin_token.reveal());
  if (!settings.mcp.api_key.empty()) mcp_ = digest_of(settings.mcp.api_key.reveal());
  for (std::size_t i = 0; i < settings.sources.size(); ++i) {
    names_[settings.sources[i].name] = i;
    for (const auto& key : settings.sources[i].api_keys) sources_[digest_of(key.reveal())] = i;
  }
}

identity authenticator::recognise(std::optional<std::string_view> authorization) const {
  const auto token = bearer_token(authorization);
  if (!token) return {};
  const digest sent = digest_of(*token);
  const auto fits = [&sent](const digest& key) {
    return sodium_memcmp(sent.data(), key.data(), sent.size()) == 0;
  };
  const auto found = sources_.find(sent);
  const bool is_source = fits(found != sources_.end() ? found->first : stand_in_);
  const bool is_admin = fits(admin_);
  const bool is_mcp = fits(mcp_ ? *mcp_ : stand_in_);
  if (is_source) return {token_class::source, found->second};
  if (is_admin) return {token_class::admin, 0};
  return {is_mcp ? token_class::mcp : token_class::unknown, 0};
}

std::optional<std::size_t> authenticator::source_named(std::string_view name) const {
  const auto found = names_.find(std::string(name));
  if (found == names_.end()) return std::nullopt;
  return found->second;
}

authenticator::digest authenticator::digest_of(std::string_view token) const {
  digest out;
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(token.data()),
                     token.size(), salt_.data(), salt_.size());
  return out;
}

}  // namespace nexus::ingest
