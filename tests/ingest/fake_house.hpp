// A door with a house of test data behind it: the test decides what the log and the destinations
// answer, and when.
#pragma once

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
  void write(core::log_level level, std::string_view text) override;
  void set_level(core::log_level) override {}
  std::size_t count(core::log_level level) const;
  std::string text() const;

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
  std::string header(const std::string& name) const;
  /// The `error` or `status` word of the envelope.
  bool says(const std::string& code) const;
};

/// May read and write, and goes to "sqlite"; its key is "key-of-NAME".
config::source_config make_source(const std::string& name);

/// Sends a request as the server does: header first, at most `body_bytes_max` bytes of the body.
std::shared_ptr<reply> send(ingest::door& to, http::request request);

struct fake_house {
  fake_house();
  ~fake_house();

  struct pending_append {
    core::entry_ptr entry;  ///< the first of those that were handed in together
    ingest::append_done done;
    std::vector<core::entry_ptr> entries;
    std::optional<core::confirmation> wanted;
  };

  config::config settings;
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
  ingest::door& door();

  void close_door();

  config::source_config& source(std::size_t index = 0) { return settings.sources[index]; }

  std::shared_ptr<reply> send(http::request request);

  /// POST /inbound/default as the source `default`.
  std::shared_ptr<reply> post(const std::string& body, http::header_list headers = {});

  /// GET with the token of a source or of the admin; an empty name sends none.
  std::shared_ptr<reply> get(const std::string& path, const std::string& who,
                             const std::string& query = "", http::header_list headers = {});

  static http::request make_request(std::string method, std::string path, http::header_list headers,
                                    std::string body);

  double count(const std::string& name, const core::metric_labels& labels);

 private:
  ingest::ports make_ports();
  void add_dead_letter_ports(ingest::ports& to);
  void add_operator_ports(ingest::ports& to);
  void add_side_ports(ingest::ports& to);

  std::unique_ptr<ingest::door> door_;
};

}  // namespace nexus::test
