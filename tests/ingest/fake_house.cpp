#include "tests/ingest/fake_house.hpp"

#include <algorithm>
#include <utility>

namespace nexus::test {

void recording_logger::write(core::log_level level, std::string_view text) {
  const std::lock_guard lock(mutex_);
  lines_.emplace_back(level, text);
}

std::size_t recording_logger::count(core::log_level level) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(lines_.begin(), lines_.end(), [&](auto& line) { return line.first == level; }));
}

std::string recording_logger::text() const {
  const std::lock_guard lock(mutex_);
  std::string all;
  for (const auto& line : lines_) all += line.second + "\n";
  return all;
}

std::string reply::header(const std::string& name) const {
  if (sent)
    for (const auto& [key, value] : sent->headers)
      if (key == name) return value;
  return "";
}

bool reply::says(const std::string& code) const {
  return body().starts_with("{\"error\":\"" + code + "\",");
}

config::source_config make_source(const std::string& name) {
  config::source_config source;
  source.name = name;
  source.api_keys = {config::secret("key-of-" + name)};
  source.name_space = name + "-space";
  source.can_read = true;
  source.can_write = true;
  source.target_destinations = {"sqlite"};
  source.mapping = {{"content", "message.content"}, {"role", "message.role"}, {"model", "model"}};
  return source;
}

fake_house::fake_house() {
  settings.admin_token = config::secret("key-of-admin");
  settings.sources = {make_source("default"), make_source("other")};
  config::destination_config sqlite;
  sqlite.name = "sqlite";
  sqlite.type = "sqlite";
  settings.destinations = {sqlite};
}

fake_house::~fake_house() = default;

ingest::door& fake_house::door() {
  if (door_) return *door_;
  ingest::door_options options;
  options.version = "1.2.3";
  options.clock = [this] { return wall += std::chrono::milliseconds(500); };
  options.steady_clock = [this] { return steady; };
  door_ = std::make_unique<ingest::door>(std::make_shared<const config::config>(settings),
                                         make_ports(), log, metrics, options);
  door_->enter(ingest::door_phase::serving);
  return *door_;
}

ingest::ports fake_house::make_ports() {
  ingest::ports behind;
  behind.append = [this](std::vector<core::entry_ptr> entries, ingest::append_done done,
                         std::optional<core::confirmation> wanted) {
    const auto first = entries.front();
    appends.push_back({first, nullptr, std::move(entries), std::move(wanted)});
    if (append_later) return void(appends.back().done = std::move(done));
    done(append_outcome);
  };
  behind.append_batch = [this](std::vector<std::vector<core::entry_ptr>> writes,
                               ingest::batch_done done, std::vector<core::confirmation> wanted) {
    const std::size_t count = writes.size();
    batches.push_back({std::move(writes), nullptr, std::move(wanted)});
    if (append_later) return void(batches.back().done = std::move(done));
    std::vector<core::result<void>> outcomes(count, append_outcome);
    for (const auto index : refused_writes)
      outcomes.at(index) = core::error{core::errc::too_large, "too large"};
    done(std::move(outcomes));
  };
  behind.keys_wait = [this](const std::string& source, const std::vector<std::string>&,
                            std::span<const std::string> keys) {
    std::vector<bool> waits;
    for (const auto& key : keys) waits.push_back(waiting_keys.contains(source + "/" + key));
    return waits;
  };
  behind.find = [this](destinations::query what, ingest::query_done done) {
    queries.push_back(std::move(what));
    done(page);
  };
  behind.state = [this] { return state; };
  add_dead_letter_ports(behind);
  add_operator_ports(behind);
  add_side_ports(behind);
  return behind;
}

void fake_house::add_dead_letter_ports(ingest::ports& to) {
  to.dead_letters = [this](ingest::dead_letter_choice which, ingest::dead_letters_done done) {
    choices.emplace_back("look", std::move(which));
    done(dead_letters);
  };
  to.redrive = [this](ingest::dead_letter_choice which, ingest::dead_letters_acted done) {
    choices.emplace_back("redrive", std::move(which));
    done(acted);
  };
  to.purge = [this](ingest::dead_letter_choice which, ingest::dead_letters_acted done) {
    choices.emplace_back("purge", std::move(which));
    done(acted);
  };
}

void fake_house::add_operator_ports(ingest::ports& to) {
  to.pause = [this](const std::string& name, const ingest::destination_switched& done) {
    switches.push_back("pause " + name);
    done(switched);
  };
  to.resume = [this](const std::string& name, const ingest::destination_switched& done) {
    switches.push_back("resume " + name);
    done(switched);
  };
  to.check_consistency = [this](const ingest::consistency_choice& what,
                                const ingest::consistency_done& done) {
    checks.push_back(what);
    done(consistency);
  };
  to.reload = [this](const ingest::reload_done& done) {
    ++reloads;
    done(reloaded);
  };
  to.lint = [this](const ingest::lint_done& done) { done(findings); };
  to.shutdown = [this] { ++shutdowns; };
}

void fake_house::add_side_ports(ingest::ports& to) {
  if (embeds)
    to.embed = [this](std::string_view content, ingest::embed_done done) {
      embeddings.emplace_back(content, std::move(done));
    };
  if (!audits) return;
  to.on_interaction = [this](audit::record one) { interactions.push_back(std::move(one)); };
  to.find_interactions = [this](ingest::interaction_choice what,
                                const ingest::interactions_done& done) {
    audit_choices.push_back(std::move(what));
    done(audit_page);
  };
  to.count_interactions = [this](audit::filter which, const ingest::interactions_counted& done) {
    audit_choices.push_back({std::move(which)});
    done(audit_statistics);
  };
}

void fake_house::close_door() {
  door_.reset();
}

std::shared_ptr<reply> send(ingest::door& to, http::request request) {
  auto answer = std::make_shared<reply>();
  auto decision = to.on_header(request);
  answer->body_bytes_max = decision.body_bytes_max;
  answer->heavy = decision.heavy;
  if (decision.refuse) {
    answer->refused_early = true;
    answer->answers = 1;
    answer->sent = std::move(decision.refuse);
    return answer;
  }
  if (request.body.size() > decision.body_bytes_max) {
    request.body.resize(decision.body_bytes_max);
    request.body_truncated = true;
  }
  request.context = std::move(decision.context);
  to.on_request(std::move(request), [answer](http::response response) {
    ++answer->answers;
    answer->sent = std::move(response);
  });
  return answer;
}

std::shared_ptr<reply> fake_house::send(http::request request) {
  return test::send(door(), std::move(request));
}

std::shared_ptr<reply> fake_house::post(const std::string& body, http::header_list headers) {
  headers.emplace_back("Authorization", "Bearer key-of-default");
  return send(make_request("POST", "/inbound/default", std::move(headers), body));
}

std::shared_ptr<reply> fake_house::get(const std::string& path, const std::string& who,
                                       const std::string& query, http::header_list headers) {
  if (!who.empty()) headers.emplace_back("Authorization", "Bearer key-of-" + who);
  auto request = make_request("GET", path, std::move(headers), "");
  request.query = query;
  return send(std::move(request));
}

http::request fake_house::make_request(std::string method, std::string path,
                                       http::header_list headers, std::string body) {
  http::request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.headers = std::move(headers);
  request.body = std::move(body);
  request.peer_address = "192.0.2.1";
  return request;
}

double fake_house::count(const std::string& name, const core::metric_labels& labels) {
  return metrics.get_counter(name, "", labels).value();
}

}  // namespace nexus::test
