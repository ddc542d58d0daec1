#include "cli/server_api.hpp"

#include <cstdlib>

#include "cli/table.hpp"
#include "cli/wire.hpp"
#include "config/certificate.hpp"
#include "config/reference.hpp"
#include "core/json_text.hpp"

namespace nexus::cli {

namespace json = core::json;

namespace {

std::string from_environment(const char* name, const std::string& otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : text;
}

core::result<client_tls> client_tls_of(const config::tls_config& from) {
  client_tls to;
  const auto pem = config::read_text_file(from.cert_file);
  if (!pem) return pem.reason();
  const auto read = config::read_certificate(*pem);
  if (!read) return core::error{read.reason().code, from.cert_file + ": " + read.reason().text};
  to.public_key_pin = read->public_key_pin;
  to.cert_file = from_environment("NEXUS_CLIENT_CERT", "");
  to.key_file = from_environment("NEXUS_CLIENT_KEY", to.cert_file);
  if (to.cert_file.empty() && from.clients == config::client_auth::required)
    return core::error{core::errc::bad_config,
                       "the server asks for a client certificate: set NEXUS_CLIENT_CERT to a PEM "
                       "file with one that daemon.tls.client_ca_file accepts, and NEXUS_CLIENT_KEY "
                       "to its key if that is in another file"};
  return to;
}

}  // namespace

server_access access_to(const config::config& settings) {
  return {settings.admin_token, settings.tls};
}

core::result<config::loaded> load_beside_server(const std::string& home,
                                                const destinations::registry& types) {
  auto loaded = config::load(home, type_table(types));
  if (loaded) return loaded;
  auto trouble = std::move(loaded).reason();
  if (const auto server = find_running(home))
    trouble.text += "\nthe server of this home runs with the configuration of its start: process " +
                    std::to_string(server->pid) + ", at " +
                    address_text(server->host, server->port) + ". SIGTERM stops it as well";
  return trouble;
}

core::result<std::unique_ptr<http_client>> connect(const running_server& server,
                                                   const config::tls_config& tls,
                                                   std::chrono::seconds patience) {
  if (!server.tls) return std::make_unique<http_client>(server.host, server.port, patience);
  if (!tls.enabled)
    return core::error{core::errc::bad_config,
                       "the running server speaks TLS, and this configuration has it switched off "
                       "since: nothing says which certificate is the server's"};
  auto how = client_tls_of(tls);
  if (!how) return std::move(how).reason();
  return std::make_unique<http_client>(server.host, server.port, patience, *std::move(how));
}

core::result<std::string> ask_server(const running_server& server, const server_access& with,
                                     const std::string& method, const std::string& target,
                                     const std::string& body, std::chrono::seconds patience) {
  const auto client = connect(server, with.tls, patience);
  if (!client) return client.reason();
  http_client::request what{method, target, std::string(with.admin_token.reveal()), {}, body};
  if (!body.empty()) what.headers = {{"Content-Type", "application/json"}};
  auto answer = (*client)->send(what);
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
