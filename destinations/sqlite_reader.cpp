#include "destinations/sqlite.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include <sqlite3.h>

#include "destinations/memory_record.hpp"
#include "destinations/sqlite_handle.hpp"
#include "destinations/sqlite_schema.hpp"

namespace nexus::destinations {

namespace {

/// Nothing if the bytes are no array of finite float32 (somebody else wrote them): JSON could not
/// show it.
std::vector<float> decode_embedding(const std::string& bytes) {
  std::vector<float> embedding;
  if (bytes.size() % sizeof(float) != 0) return embedding;
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(float)) {
    std::uint32_t bits = 0;
    for (std::size_t n = 0; n < sizeof(float); ++n) {
      bits |= std::uint32_t{static_cast<unsigned char>(bytes[i + n])} << (8 * n);
    }
    embedding.push_back(std::bit_cast<float>(bits));
  }
  const auto finite = [](float value) { return std::isfinite(value); };
  if (!std::all_of(embedding.begin(), embedding.end(), finite)) embedding.clear();
  return embedding;
}

std::vector<std::string> split(const std::string& joined) {
  std::vector<std::string> labels;
  if (joined.empty()) return labels;
  std::size_t first = 0;
  for (std::size_t comma = joined.find(','); comma != std::string::npos;
       comma = joined.find(',', first)) {
    labels.push_back(joined.substr(first, comma - first));
    first = comma + 1;
  }
  labels.push_back(joined.substr(first));
  return labels;
}

/// The row that `statement` stands on; its columns are memory_columns().
std::string record_json(const sqlite_statement& statement) {
  memory_record record;
  int column = 0;
  for (const auto& field : fields_before_version) record.*field.member = statement.text(column++);
  record.schema_version = statement.number(column++);
  for (const auto& field : fields_after_version) record.*field.member = statement.text(column++);
  record.embedding = decode_embedding(statement.blob(column++));
  // Metadata that somebody else made unreadable is left out: it must not hide the row.
  if (auto metadata = parse_metadata(statement.text(column)); metadata) {
    record.metadata = *std::move(metadata);
  }
  record.sensitivity_labels = split(statement.text(++column));
  record.classification_tier = statement.text(++column);
  std::string json;
  append_json(json, record);
  return json;
}

/// `text` as a LIKE pattern that matches it as a substring, its own wildcards being plain
/// characters.
std::string substring_pattern(const std::string& text) {
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + '%';
}

/// Which rows are asked for: the statement depends on which filters are set, never on their values.
///
/// The unary + keeps SQLite from using an index for that term. A subject is the narrower filter,
/// but without statistics SQLite would take the index that has two equal terms.
std::string candidates_statement(const query& what) {
  std::string sql = "SELECT rowid, timestamp FROM memories WHERE ";
  sql += what.subject.empty() ? "namespace = ?1 AND destination = ?2"
                              : "subject = ?3 AND +namespace = ?1 AND +destination = ?2";
  if (!what.actor_type.empty()) sql += " AND actor_type = ?4";
  if (!what.text.empty()) sql += " AND content LIKE ?5 ESCAPE '\\'";
  return sql + " ORDER BY timestamp DESC";
}

/// A row that matches.
struct candidate {
  std::int64_t rowid;
  std::string timestamp;
};

/// Puts the rows of a page together from rows in descending order of their timestamps' text, which
/// is the order of the indexes. That order is right but for rows of the same second, where the
/// missing zeros of a fraction disturb it
/// ("05Z" > "05.9Z"); such rows stand together, so sorting them second by second makes the order
/// chronological without sorting the whole table.
class page_builder {
 public:
  page_builder(std::size_t offset, std::size_t count) : skip_(offset), count_(count) {}

  /// Once there are enough rows, more change nothing.
  bool full() const { return rowids_.size() >= count_; }

  void add(candidate row) {
    if (!second_.empty() && second_of(second_.front()) != second_of(row)) finish_second();
    second_.push_back(std::move(row));
  }

  std::vector<std::int64_t> finish() {
    finish_second();
    return std::move(rowids_);
  }

 private:
  static std::string_view second_of(const candidate& row) {
    return std::string_view(row.timestamp)
        .substr(0, std::string_view("2026-01-01T00:00:05").size());
  }

  /// Without the Z, of two fractions the later one is the greater text.
  static std::string_view without_zone(const candidate& row) {
    std::string_view text = row.timestamp;
    if (text.ends_with('Z')) text.remove_suffix(1);
    return text;
  }

  void finish_second() {
    std::sort(second_.begin(), second_.end(), [](const candidate& a, const candidate& b) {
      const int order = without_zone(a).compare(without_zone(b));
      return order != 0 ? order > 0 : a.rowid > b.rowid;
    });
    for (const candidate& row : second_) {
      if (full()) break;
      if (skip_ > 0) {
        --skip_;
      } else {
        rowids_.push_back(row.rowid);
      }
    }
    second_.clear();
  }

  std::size_t skip_;
  const std::size_t count_;
  std::vector<candidate> second_;
  std::vector<std::int64_t> rowids_;
};

/// A page ends early when its records have grown to this: two hundred entries of ten megabytes
/// would not fit into memory.
constexpr std::size_t page_bytes_max = 32 * 1024 * 1024;

class sqlite_reader final : public reader {
 public:
  explicit sqlite_reader(sqlite_options options) : options_(std::move(options)) {}

  core::result<query_page> find(const query& what) override {
    query_page page;
    auto refused = reading([&] { return find_rows(page, what); });
    if (!refused) return page;
    return to_error(*refused);
  }

  core::result<std::uint64_t> count() override {
    std::string rows = "0";
    auto refused = reading([&] { return connection_.ask(rows, "SELECT COUNT(*) FROM memories"); });
    if (!refused) return std::uint64_t{std::stoull(rows)};
    return to_error(*refused);
  }

 private:
  /// Runs `work` in a read transaction, so that all its statements see the same rows; not at all if
  /// there is no table yet. After a failure the next call opens the file anew.
  template <class Work>
  std::optional<sqlite_fault> reading(const Work& work) {
    bool exists = false;
    auto refused = ready(exists);
    if (!refused && exists) refused = connection_.run("BEGIN");
    std::string table;
    if (!refused && exists) {
      refused = connection_.ask(table, "SELECT name FROM sqlite_schema WHERE name = 'memories'");
    }
    if (!refused && !table.empty()) refused = work();
    if (!refused && exists) refused = connection_.run("COMMIT");
    if (refused) connection_.close();
    return refused;
  }

  std::optional<sqlite_fault> ready(bool& exists) {
    if (connection_ && connection_.moved()) connection_.close();
    struct stat status {};
    exists = connection_ || ::stat(options_.db_path.c_str(), &status) == 0 ||
             (errno != ENOENT && errno != ENOTDIR);
    if (connection_ || !exists) return std::nullopt;
    return sqlite_connection::open(connection_, options_.db_path, sqlite_access::read_only,
                                   options_.busy_timeout);
  }

  std::optional<sqlite_fault> find_rows(query_page& page, const query& what) {
    const std::size_t limit = std::min(what.limit, std::numeric_limits<std::size_t>::max() - 1);
    std::vector<std::int64_t> rowids;
    if (auto refused = find_rowids(rowids, what, limit + 1)) return refused;
    page.has_more = rowids.size() > limit;
    if (page.has_more) rowids.pop_back();

    sqlite_statement select;
    auto refused = connection_.prepare(
        select, "SELECT " + memory_columns() + " FROM memories WHERE rowid = ?");
    std::size_t bytes = 0;
    for (const std::int64_t rowid : rowids) {
      if (refused) break;
      if (bytes >= page_bytes_max) {
        page.has_more = true;
        break;
      }
      select.bind(1, rowid);
      const int code = select.step();
      if (code != SQLITE_ROW) return connection_.fault(code, "read a row");
      page.records.push_back(record_json(select));
      bytes += page.records.back().size();
      select.reset();
    }
    return refused;
  }

  std::optional<sqlite_fault> find_rowids(std::vector<std::int64_t>& rowids, const query& what,
                                          std::size_t count) {
    sqlite_statement walk;
    if (auto refused = connection_.prepare(walk, candidates_statement(what))) return refused;
    const std::string pattern = substring_pattern(what.text);
    walk.bind(1, what.name_space);
    walk.bind(2, what.destination);
    if (!what.subject.empty()) walk.bind(3, what.subject);
    if (!what.actor_type.empty()) walk.bind(4, what.actor_type);
    if (!what.text.empty()) walk.bind(5, pattern);
    page_builder page(what.offset, count);
    int code = SQLITE_ROW;
    while (!page.full() && (code = walk.step()) == SQLITE_ROW) {
      page.add({walk.number(0), walk.text(1)});
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) return connection_.fault(code, "find rows");
    rowids = page.finish();
    return std::nullopt;
  }

  const sqlite_options options_;
  sqlite_connection connection_;
};

}  // namespace

std::unique_ptr<reader> make_sqlite_reader(const sqlite_options& options) {
  return std::make_unique<sqlite_reader>(resolved(options));
}

}  // namespace nexus::destinations
