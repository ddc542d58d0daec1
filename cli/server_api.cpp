#include "cli/server_api.hpp"

#include "cli/http_client.hpp"
#include "cli/table.hpp"
#include "core/json_text.hpp"

namespace nexus::cli {

namespace json = core::json;

core::result<std::string> ask_server(const running_server& server,
                                     const config::secret& admin_token, const std::string& method,
                                     const std::string& target, const std::string& body,
                                     std::chrono::seconds patience) {
  http_client client(server.host, server.port, patience);
  http_client::request what{method, target, std::string(admin_token.reveal()), {}, body};
  if (!body.empty()) what.headers = {{"Content-Type", "application/json"}};
  auto answer = client.send(what);
  if (!answer) return answer.reason();
  const bool is_json = json::validate(answer->body).ok();
  if (answer->status == 200 && is_json) return std::move(answer->body);
  if (answer->status == 401)
    return core::error{core::errc::unreachable,
                       "the server does not accept the admin token of this configuration; it was "
                       "changed since the start"};
  if (answer->status == 404 && is_json)
    return core::error{core::errc::not_found, printable(members_of(answer->body)["message"])};
  return core::error{
      core::errc::unreachable,
      "the server answered " + std::to_string(answer->status) + ": " + printable(answer->body)};
}

std::map<std::string, std::string> members_of(std::string_view object) {
  std::map<std::string, std::string> out;
  json::members all(object);
  while (const auto* one = all.next()) {
    const bool text = json::kind_of(one->value) == json::kind::string;
    out[json::unquote(one->key)] = text ? json::unquote(one->value) : std::string(one->value);
  }
  return out;
}

}  // namespace nexus::cli
