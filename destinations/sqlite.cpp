#include "destinations/sqlite.hpp"

#include <bit>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include <sqlite3.h>

#include "destinations/memory_record.hpp"
#include "destinations/sqlite_handle.hpp"
#include "destinations/sqlite_schema.hpp"

namespace nexus::destinations {

namespace {

std::string encode_embedding(const std::vector<float>& embedding) {
  std::string bytes;
  bytes.reserve(embedding.size() * sizeof(float));
  for (const float value : embedding) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 0xff);
  }
  return bytes;
}

std::string join(const std::vector<std::string>& labels) {
  std::string joined;
  for (const auto& label : labels) {
    if (&label != &labels.front()) joined += ',';
    joined += label;
  }
  return joined;
}

/// One entry as it goes into the table, and what became of it.
struct row {
  memory_record record;
  std::string embedding;
  std::string metadata;
  std::string labels;
  outcome* result;
};

core::result<row> make_row(const core::entry& entry, outcome& result) {
  auto record = record_of(entry);
  if (!record) return std::move(record).reason();
  row made{*std::move(record), {}, {}, {}, &result};
  made.embedding = encode_embedding(made.record.embedding);
  made.metadata = metadata_json(made.record.metadata);
  made.labels = join(made.record.sensitivity_labels);
  return made;
}

/// A statement that is ready for its next use when this goes.
struct use_of {
  explicit use_of(sqlite_statement& statement) : used(statement) {}
  ~use_of() { used.reset(); }
  use_of(const use_of&) = delete;
  use_of& operator=(const use_of&) = delete;
  sqlite_statement& used;
};

class sqlite_destination final : public destination {
 public:
  explicit sqlite_destination(sqlite_options options)
      : options_(std::move(options)), turn_(write_turn(options_.db_path)) {}

  ~sqlite_destination() override {
    const std::lock_guard lock(*turn_);  // closing checkpoints
    close();
  }

  std::vector<outcome> deliver(std::span<const core::entry_ptr> batch) override {
    std::vector<outcome> outcomes(batch.size());
    std::vector<row> rows;
    rows.reserve(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto made = make_row(*batch[i], outcomes[i]);
      if (made) {
        rows.push_back(*std::move(made));
      } else {
        outcomes[i] = {outcome_kind::permanent, made.reason().text, {}};
      }
    }
    if (rows.empty()) return outcomes;
    const std::lock_guard lock(*turn_);
    write(rows);
    return outcomes;
  }

  core::result<void> ping() override {
    const std::lock_guard lock(*turn_);
    if (connection_ && connection_.moved()) close();
    const auto refused = connection_ ? connection_.run("SELECT payload_id FROM memories LIMIT 1")
                                     : check_store(options_);
    if (!refused) return {};
    close();
    const bool mend = refused->kind == outcome_kind::config_fault;
    return core::error{mend ? core::errc::bad_config : core::errc::unreachable, refused->reason};
  }

  core::result<std::vector<bool>> exists(std::span<const std::string> payload_ids) override {
    const std::lock_guard lock(*turn_);
    if (connection_ && connection_.moved()) close();
    std::vector<bool> found;
    sqlite_connection own;
    auto refused = connection_ ? std::nullopt : open_for_a_look(own, options_);
    auto& from = connection_ ? connection_ : own;
    if (!refused) refused = find(from, payload_ids, found);
    if (!refused) return found;
    close();
    return to_error(*refused);
  }

 private:
  /// Where there is no database or no table nothing is found.
  static std::optional<sqlite_fault> find(sqlite_connection& in,
                                          std::span<const std::string> payload_ids,
                                          std::vector<bool>& found) {
    std::string table;
    std::optional<sqlite_fault> refused;
    if (in) refused = in.ask(table, "SELECT name FROM sqlite_schema WHERE name = 'memories'");
    if (refused) return refused;
    sqlite_statement select;
    if (!table.empty()) refused = in.prepare(select, "SELECT 1 FROM memories WHERE payload_id = ?");
    for (const auto& id : payload_ids) {
      if (refused) return refused;
      found.push_back(false);
      if (table.empty()) continue;
      const use_of use(select);
      use.used.bind(1, id);
      const int code = use.used.step();
      if (code != SQLITE_ROW && code != SQLITE_DONE) refused = in.fault(code, "find a row");
      found.back() = code == SQLITE_ROW;
    }
    return refused;
  }

  /// Writes rows in one transaction. If one of them is refused in a way that takes the whole
  /// transaction along (a trigger may do that), each gets a transaction of its own, so that the
  /// refused one fails alone.
  void write(std::span<row> rows) {
    const auto refused = write_together(rows);
    if (!refused) return;
    if (refused->kind == outcome_kind::permanent && rows.size() > 1) return write_apart(rows);
    for (row& each : rows) *each.result = {refused->kind, refused->reason, {}};
    if (refused->kind != outcome_kind::permanent) close();
  }

  void write_apart(std::span<row> rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      write(rows.subspan(i, 1));
      if (connection_) continue;
      // The store itself failed, not the row: the others would only wait for the same.
      for (row& each : rows.subspan(i + 1)) *each.result = *rows[i].result;
      return;
    }
  }

  /// Nothing if the transaction was committed; rows that were refused have their outcome then.
  /// Otherwise no row is in.
  std::optional<sqlite_fault> write_together(std::span<row> rows) {
    if (auto refused = ready()) return refused;
    if (auto refused = connection_.run("BEGIN IMMEDIATE")) return refused;
    std::optional<sqlite_fault> refused;
    for (row& each : rows) {
      *each.result = {};
      refused = insert(each);
      if (!refused) continue;
      if (refused->kind != outcome_kind::permanent || !connection_.in_transaction()) break;
      *each.result = {refused->kind, refused->reason, {}};
      refused.reset();
    }
    if (!refused) refused = connection_.run("COMMIT");
    if (refused && connection_.in_transaction()) {
      // If even this fails, closing the connection (which every failure but a refused row's ends
      // in) rolls back.
      if (auto stuck = connection_.run("ROLLBACK")) return stuck;
    }
    return refused;
  }

  std::optional<sqlite_fault> insert(const row& each) {
    const use_of insert(insert_);
    int index = 0;
    for (const auto& field : fields_before_version) {
      insert.used.bind(++index, each.record.*field.member);
    }
    insert.used.bind(++index, each.record.schema_version);
    for (const auto& field : fields_after_version) {
      insert.used.bind(++index, each.record.*field.member);
    }
    ++index;
    if (each.embedding.empty()) {
      insert.used.bind_null(index);
    } else {
      insert.used.bind_blob(index, each.embedding);
    }
    insert.used.bind(++index, each.metadata);
    insert.used.bind(++index, each.labels);
    insert.used.bind(++index, each.record.classification_tier);
    const int code = insert.used.step();
    if (code == SQLITE_DONE) return std::nullopt;
    return connection_.fault(code, "insert a row");
  }

  /// Opens the database if it is not open, and anew if its file has been moved away or deleted:
  /// rows written to such a file would be gone with it.
  std::optional<sqlite_fault> ready() {
    if (connection_ && connection_.moved()) close();
    if (connection_) return std::nullopt;
    if (auto refused = open_store(connection_, options_)) return refused;
    auto refused = connection_.prepare(insert_, insert_statement());
    if (refused) close();
    return refused;
  }

  void close() {
    insert_ = {};
    connection_.close();
  }

  const sqlite_options options_;
  const std::shared_ptr<std::mutex> turn_;
  sqlite_connection connection_;
  sqlite_statement insert_;
};

core::result<sqlite_options> options_of(const settings& from) {
  const auto path = from.values.find("db_path");
  if (path == from.values.end() || path->second.empty()) {
    return core::error{core::errc::bad_config,
                       "destination " + from.name + ": db_path, the database file, is not set"};
  }
  sqlite_options options;
  options.db_path = path->second;
  return options;
}

}  // namespace

std::unique_ptr<destination> make_sqlite(const sqlite_options& options) {
  return std::make_unique<sqlite_destination>(resolved(options));
}

type_info sqlite_type() {
  type_info info;
  info.make = [](const settings& from) -> core::result<std::unique_ptr<destination>> {
    auto options = options_of(from);
    if (!options) return std::move(options).reason();
    return make_sqlite(*options);
  };
  info.make_reader = [](const settings& from) -> core::result<std::unique_ptr<reader>> {
    auto options = options_of(from);
    if (!options) return std::move(options).reason();
    return make_sqlite_reader(*options);
  };
  info.schema.keys = {
      {.name = "db_path", .kind = core::setting_kind::path, .fallback = "memories.db"}};
  info.workers_default = 1;
  info.in_order = true;
  return info;
}

}  // namespace nexus::destinations
