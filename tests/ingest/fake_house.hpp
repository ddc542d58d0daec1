// A door with a house of test data behind it: the test decides what the log and the destinations
// answer, and when.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "core/timestamp.hpp"
#include "ingest/door.hpp"

namespace nexus::test {

/// Keeps what is logged.
class recording_logger final : public core::logger {
 public:
  void write(core::log_level level, std::string_view text) override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(level, text);
  }
  void set_level(core::log_level) override {}
  std::size_t count(core::log_level level) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(lines_.begin(), lines_.end(),
                                                  [&](auto& line) { return line.first == level; }));
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    std::string all;
    for (const auto& line : lines_) all += line.second + "\n";
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<core::log_level, std::string>> lines_;
};

/// What a request came to; `sent` stays empty while it is not answered.
struct reply {
  std::optional<http::response> sent;
  bool refused_early = false;  ///< before the body
  std::uint64_t body_bytes_max = 0;
  bool heavy = false;  ///< to be handled beside the others
  int answers = 0;

  bool done() const { return sent.has_value(); }
  int status() const { return sent ? sent->status : 0; }
  std::string body() const { return sent ? sent->body : ""; }
  std::string header(const std::string& name) const {
    if (sent)
      for (const auto& [key, value] : sent->headers)
        if (key == name) return value;
    return "";
  }
  /// The `error` or `status` word of the envelope.
  bool says(const std::string& code) const {
    return body().starts_with("{\"error\":\"" + code + "\",");
  }
};

inline config::source_config make_source(const std::string& name) {
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

struct fake_house {
  struct pending_append {
    core::entry_ptr entry;  ///< the first of those that were handed in together
    ingest::append_done done;
    std::vector<core::entry_ptr> entries;
    std::optional<core::confirmation> wanted;
  };

  config::config settings = [] {
    config::config standard;
    standard.admin_token = config::secret("key-of-admin");
    standard.sources = {make_source("default"), make_source("other")};
    config::destination_config sqlite;
    sqlite.name = "sqlite";
    sqlite.type = "sqlite";
    standard.destinations = {sqlite};
    return standard;
  }();
  core::metrics metrics;
  std::shared_ptr<recording_logger> log = std::make_shared<recording_logger>();
  core::time_point wall{std::chrono::seconds(1'767'225'600)};  // 2026-01-01T00:00:00Z
  std::chrono::steady_clock::time_point steady{};

  struct pending_batch {
    std::vector<std::vector<core::entry_ptr>> writes;
    ingest::batch_done done;
    std::vector<core::confirmation> wanted;
  };

  bool append_later = false;                ///< the test completes `appends` itself
  core::result<void> append_outcome;        ///< else: this, at once
  std::set<std::string> waiting_keys;       ///< "SOURCE/KEY": an entry with it is pending
  std::deque<pending_append> appends;       ///< all of them, answered or not
  std::deque<pending_batch> batches;        ///< likewise
  std::vector<std::size_t> refused_writes;  ///< of a batch: as too large
  core::result<destinations::query_page> page = destinations::query_page{};
  std::vector<destinations::query> queries;
  ingest::pipeline_state state;
  core::result<ingest::dead_letter_page> dead_letters = ingest::dead_letter_page{};
  core::result<std::uint64_t> acted = std::uint64_t{0};
  /// What was asked of the three dead-letter ports, with their names.
  std::vector<std::pair<std::string, ingest::dead_letter_choice>> choices;
  core::result<ingest::destination_state> switched = ingest::destination_state{};
  std::vector<std::string> switches;  ///< "pause NAME" or "resume NAME"
  core::result<ingest::consistency_report> consistency = ingest::consistency_report{};
  std::vector<ingest::consistency_choice> checks;
  core::result<ingest::reload_report> reloaded = ingest::reload_report{};
  int reloads = 0;
  core::result<std::vector<config::finding>> findings = std::vector<config::finding>{};
  int shutdowns = 0;
  bool audits = false;  ///< there is an interaction log
  std::vector<audit::record> interactions;
  core::result<audit::page> audit_page = audit::page{};
  core::result<audit::statistics> audit_statistics = audit::statistics{};
  std::vector<ingest::interaction_choice> audit_choices;
  bool embeds = false;  ///< there is a provider of embeddings
  std::vector<std::pair<std::string, ingest::embed_done>> embeddings;  ///< the test answers them

  /// Made when first used, so that a test can change `settings` before.
  ingest::door& door() {
    if (door_) return *door_;
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
    behind.key_waits = [this](const std::string& source, const std::vector<std::string>&,
                              const std::string& key) {
      return waiting_keys.contains(source + "/" + key);
    };
    behind.find = [this](destinations::query what, ingest::query_done done) {
      queries.push_back(std::move(what));
      done(page);
    };
    behind.dead_letters = [this](ingest::dead_letter_choice which, ingest::dead_letters_done done) {
      choices.emplace_back("look", std::move(which));
      done(dead_letters);
    };
    behind.redrive = [this](ingest::dead_letter_choice which, ingest::dead_letters_acted done) {
      choices.emplace_back("redrive", std::move(which));
      done(acted);
    };
    behind.purge = [this](ingest::dead_letter_choice which, ingest::dead_letters_acted done) {
      choices.emplace_back("purge", std::move(which));
      done(acted);
    };
    behind.pause = [this](const std::string& name, const ingest::destination_switched& done) {
      switches.push_back("pause " + name);
      done(switched);
    };
    behind.resume = [this](const std::string& name, const ingest::destination_switched& done) {
      switches.push_back("resume " + name);
      done(switched);
    };
    behind.check_consistency = [this](const ingest::consistency_choice& what,
                                      const ingest::consistency_done& done) {
      checks.push_back(what);
      done(consistency);
    };
    behind.reload = [this](const ingest::reload_done& done) {
      ++reloads;
      done(reloaded);
    };
    behind.lint = [this](const ingest::lint_done& done) { done(findings); };
    add_side_ports(behind);
    behind.state = [this] { return state; };
    behind.shutdown = [this] { ++shutdowns; };
    ingest::door_options options;
    options.version = "1.2.3";
    options.clock = [this] { return wall += std::chrono::milliseconds(500); };
    options.steady_clock = [this] { return steady; };
    door_ = std::make_unique<ingest::door>(std::make_shared<const config::config>(settings), behind,
                                           log, metrics, options);
    door_->enter(ingest::door_phase::serving);
    return *door_;
  }

  void add_side_ports(ingest::ports& to) {
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

  void close_door() { door_.reset(); }

  config::source_config& source(std::size_t index = 0) { return settings.sources[index]; }

  /// Sends a request as the server does: header first, at most `body_bytes_max` bytes of the body.
  std::shared_ptr<reply> send(http::request request) {
    auto answer = std::make_shared<reply>();
    auto decision = door().on_header(request);
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
    door().on_request(std::move(request), [answer](http::response response) {
      ++answer->answers;
      answer->sent = std::move(response);
    });
    return answer;
  }

  /// POST /inbound/default as the source `default`.
  std::shared_ptr<reply> post(const std::string& body, http::header_list headers = {}) {
    headers.emplace_back("Authorization", "Bearer key-of-default");
    return send(make_request("POST", "/inbound/default", std::move(headers), body));
  }

  /// GET with the token of a source or of the admin; an empty name sends none.
  std::shared_ptr<reply> get(const std::string& path, const std::string& who,
                             const std::string& query = "", http::header_list headers = {}) {
    if (!who.empty()) headers.emplace_back("Authorization", "Bearer key-of-" + who);
    auto request = make_request("GET", path, std::move(headers), "");
    request.query = query;
    return send(std::move(request));
  }

  static http::request make_request(std::string method, std::string path, http::header_list headers,
                                    std::string body) {
    http::request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.headers = std::move(headers);
    request.body = std::move(body);
    request.peer_address = "192.0.2.1";
    return request;
  }

  double count(const std::string& name, const core::metric_labels& labels) {
    return metrics.get_counter(name, "", labels).value();
  }

 private:
  std::unique_ptr<ingest::door> door_;
};

}  // namespace nexus::test
