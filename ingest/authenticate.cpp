#include "ingest/authenticate.hpp"

#include <string>

#include "ingest/access.hpp"
#include "ingest/write_checks.hpp"

namespace nexus::ingest {
namespace {

constexpr std::string_view need_token = "a valid bearer token is needed";

admission refuse(services& house, const snapshot& config, const http::request& request,
                 const token_refusal& why) {
  return {refuse_token(house, config.clients(), request, why), nullptr, false};
}

/// A token that is none of the configured keys.
admission try_jwt(services& house, const snapshot& config, const http::request& request,
                  std::string_view token, bool may_wait) {
  const auto& how = config.settings().jwt;
  const auto verdict =
      house.jwks->keys()->verify(token, {how.claim_to_source, how.audience}, house.options.clock());
  std::string problem = verdict.problem;
  if (verdict.what == jwt_verdict::outcome::unknown_key && may_wait && house.jwks->refresh())
    return {std::nullopt, nullptr, true};
  if (verdict.what == jwt_verdict::outcome::good) {
    if (const auto found = config.auth().source_named(verdict.subject))
      return {std::nullopt, &config.sources()[*found], false};
    problem = "it is for no source of this server";
  }
  house.log->debug("refused a JSON Web Token: " + problem);
  return refuse(house, config, request, {"jwt", "unauthorized", need_token});
}

}  // namespace

admission authenticate(services& house, const snapshot& config, const route& where,
                       const http::request& request, bool may_wait) {
  if (where.needs == access_level::open) return {};
  const bool admin_only = where.needs == access_level::admin;
  const auto authorization = request.header("Authorization");
  const auto who = config.auth().recognise(authorization);
  if (who.kind == token_class::unknown) {
    const auto token = bearer_token(authorization);
    if (!token) return refuse(house, config, request, {"missing", "unauthorized", need_token});
    if (!admin_only && config.settings().jwt.enabled && looks_like_jwt(*token))
      return try_jwt(house, config, request, *token, may_wait);
    return refuse(house, config, request, {"unknown", "unauthorized", need_token});
  }
  if (admin_only && who.kind != token_class::admin)
    return refuse(house, config, request,
                  {"wrong_token_class", "wrong_token_class", "this needs the admin token"});
  if (who.kind == token_class::mcp)
    return refuse(house, config, request,
                  {"mcp", "wrong_token_class", "the MCP key opens nothing here"});
  if (is_write(where.target) && who.kind == token_class::admin)
    return refuse(
        house, config, request,
        {"wrong_token_class", "wrong_token_class", "writing needs the token of a source"});
  if (admin_only) record_admin_access(house, config.clients(), request, where.path);
  const bool is_source = who.kind == token_class::source;
  return {std::nullopt, is_source ? &config.sources()[who.source] : nullptr, false};
}

}  // namespace nexus::ingest
