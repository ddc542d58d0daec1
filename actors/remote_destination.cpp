#include "actors/remote_destination.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "actors/handshake.hpp"
#include "actors/remote_connection.hpp"

namespace nexus::actors {
namespace {

using destinations::outcome;
using destinations::outcome_kind;

class remote_destination final : public destinations::destination {
 public:
  remote_destination(remote_address to, std::chrono::milliseconds timeout)
      : to_(std::move(to)), timeout_(timeout) {}

  std::vector<outcome> deliver(std::span<const core::entry_ptr> batch) override {
    auto answer = call([&](remote_connection& at, clock::time_point deadline) {
      return at.deliver({batch.begin(), batch.end()}, deadline);
    });
    if (answer.ok()) return *std::move(answer);
    const auto& why = answer.reason();
    const auto kind =
        why.code == core::errc::bad_config ? outcome_kind::config_fault : outcome_kind::unreachable;
    return {batch.size(), outcome{kind, why.text, {}}};
  }

  core::result<void> ping() override {
    auto answer =
        call([](remote_connection& at, clock::time_point deadline) { return at.ping(deadline); });
    if (answer.ok() || answer.reason().code == core::errc::bad_config) return answer;
    return core::error{core::errc::unreachable, answer.reason().text};
  }

  core::result<std::vector<bool>> exists(std::span<const std::string> payload_ids) override {
    return call([&](remote_connection& at, clock::time_point deadline) {
      return at.exists({payload_ids.begin(), payload_ids.end()}, deadline);
    });
  }

 private:
  using clock = remote_connection::clock;

  template <class Question>
  auto call(Question question)
      -> decltype(question(std::declval<remote_connection&>(), clock::time_point{})) {
    const auto deadline = clock::now() + timeout_;
    if (!connection_) {
      auto made = remote_connection::open(to_, deadline);
      if (!made.ok()) return made.reason();
      connection_ = *std::move(made);
    }
    auto answer = question(*connection_, deadline);
    if (connection_->lost()) connection_.reset();
    return answer;
  }

  const remote_address to_;
  const std::chrono::milliseconds timeout_;
  std::unique_ptr<remote_connection> connection_;
};

remote_address address_of(const destinations::settings& how) {
  return {how.text("host"),
          static_cast<std::uint16_t>(how.number("port")),
          how.text("secret"),
          {how.text("ca_file"), how.text("cert_file"), how.text("key_file")}};
}

std::string value_of(const core::setting_values& values, const std::string& key) {
  const auto found = values.find(key);
  return found == values.end() ? std::string{} : found->second;
}

std::vector<core::setting_problem> problems(const core::setting_values& values) {
  std::vector<core::setting_problem> all;
  const auto secret = value_of(values, "secret");
  if (!secret.empty() && secret.size() < secret_bytes_min) {
    all.push_back({"secret", fmt::format("has less than {} bytes", secret_bytes_min)});
  }
  const tls_files files{value_of(values, "ca_file"), value_of(values, "cert_file"),
                        value_of(values, "key_file")};
  if (auto usable = check(files); !usable) all.push_back({"", usable.reason().text});
  return all;
}

core::result<std::unique_ptr<destinations::destination>> make(const destinations::settings& how) {
  auto to = address_of(how);
  // They may have been changed since the file was read, and CAF would end the process.
  if (auto usable = check(to.tls); !usable) return usable.reason();
  return std::unique_ptr<destinations::destination>(
      std::make_unique<remote_destination>(std::move(to), how.timeout));
}

}  // namespace

destinations::type_info remote_type() {
  using core::setting_kind;
  destinations::type_info info;
  info.make = make;
  info.schema.keys = {
      {.name = "host", .kind = setting_kind::text, .required = true},
      {.name = "port", .kind = setting_kind::integer, .required = true, .least = 1, .most = 65535},
      {.name = "secret", .kind = setting_kind::secret},
      {.name = "ca_file", .kind = setting_kind::path},
      {.name = "cert_file", .kind = setting_kind::path},
      {.name = "key_file", .kind = setting_kind::path},
  };
  info.schema.check = problems;
  info.workers_default = 1;
  return info;
}

}  // namespace nexus::actors
